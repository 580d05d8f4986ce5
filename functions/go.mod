module aksio.app/functions

go 1.26.0
