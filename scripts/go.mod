module aksio.app/scripts

go 1.26.0
