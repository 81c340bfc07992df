// Command invoices serves what is owed and paid: totals, invoices, payments.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/front"
)

func main() { lambda.Start(app.Start(front.Invoices)) }
