// Command stripehook takes Stripe's webhooks.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/back"
)

func main() { lambda.Start(app.Start(back.Stripehook)) }
