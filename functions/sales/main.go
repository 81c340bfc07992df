// Command sales serves what is offered and agreed: catalog, estimates, orders.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/front"
)

func main() { lambda.Start(app.Start(front.Sales)) }
