// Command settings serves the organisation itself: settings, tax, members, issues.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/settings"
)

func main() { lambda.Start(app.Start(settings.Function)) }
