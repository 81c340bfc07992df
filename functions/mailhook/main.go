// Command mailhook takes the reports of the mail service.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/back"
)

func main() { lambda.Start(app.Start(back.Mailhook)) }
