// Command mailhook takes the reports of the mail service.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
)

func main() { lambda.Start(app.Start((*app.Product).MailhookFunction)) }
