module aksio.app/scripts

go 1.26.0

require (
	aksio.app/functions v0.0.0
	aksio.app/shared v0.0.0
)

replace aksio.app/shared => ../shared

replace aksio.app/functions => ../functions
