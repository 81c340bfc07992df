// Command sales serves what is offered and agreed: catalog, estimates, orders.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
)

func main() { lambda.Start(app.Start((*app.Product).SalesFunction)) }
