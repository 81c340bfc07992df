// Command contacts serves the people and companies of the record: contacts, matching, timelines.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/contacts"
)

func main() { lambda.Start(app.Start(contacts.Function)) }
