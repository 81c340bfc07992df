// Command settings serves the organisation itself: settings, tax, members, issues.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
)

func main() { lambda.Start(app.Start((*app.Product).SettingsFunction)) }
