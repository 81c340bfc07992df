// Command stripehook takes Stripe's webhooks.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
)

func main() { lambda.Start(app.Start((*app.Product).StripehookFunction)) }
