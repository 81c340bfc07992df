package letter

import (
	"fmt"
	"strconv"

	"onebook/internal/civil"
	"onebook/internal/money"
)

// EstimateFacts are what the letter with an estimate tells.
type EstimateFacts struct {
	Name, Number, Currency string
	Total                  int64
	ValidUntil             civil.Date
	URL                    string
}

// InvoiceFacts are what the letter with an invoice tells.
type InvoiceFacts struct {
	Name, Number, Currency string
	Total, Due             int64
	DueOn                  civil.Date
	URL                    string
}

// ReceiptFacts are what a receipt tells. Remains is what was due right after the payment, Credit what was paid beyond that.
// Parts name the invoices and amounts of a payment over several.
type ReceiptFacts struct {
	Name, Number, Currency  string
	Amount, Remains, Credit int64
	Parts                   []Part
	Method                  string
	ReceivedOn              civil.Date
	URL                     string
}

// Part is what one of several invoices took of a payment, minor units.
type Part struct {
	Number string
	Amount int64
}

// PaymentFacts are what the letters about a payment under way tell: that it is on its way, or that it did not arrive.
type PaymentFacts struct {
	Name, Number, Currency string
	Amount, Due            int64
	DueOn                  civil.Date
	Method                 string
	URL                    string
}

// LinkFacts are what the letter tells that a client asked for because the link was lost. Due is zero when nothing is to be
// paid, and always for an estimate.
type LinkFacts struct {
	Name, Number, Currency string
	Due                    int64
	DueOn                  civil.Date
	URL                    string
}

// OfEstimate writes the letter with an estimate.
func OfEstimate(locale string, f EstimateFacts) Content {
	total := money.Display(f.Total, f.Currency, locale)
	if lang(locale) == "de" {
		return Content{
			Subject: "Angebot " + f.Number, Hello: hallo(f.Name),
			Lead:   "hier ist unser Angebot " + f.Number + ". Sie können es in Ruhe ansehen und direkt auf der Seite annehmen.",
			Facts:  []Fact{{"Gesamtbetrag", total, true}, {"Gültig bis", Day(f.ValidUntil, locale), false}},
			Button: "Angebot " + f.Number + " ansehen", URL: f.URL,
			After: []string{"Wenn Sie Fragen haben, antworten Sie einfach auf diese E-Mail."}, Close: "Freundliche Grüße",
		}
	}
	return Content{
		Subject: "Estimate " + f.Number, Hello: hello(f.Name),
		Lead:   "Here is our estimate " + f.Number + ". You can look through it and accept it on the page.",
		Facts:  []Fact{{"Total", total, true}, {"Good until", Day(f.ValidUntil, locale), false}},
		Button: "View estimate " + f.Number, URL: f.URL,
		After: []string{"If you have a question, just reply to this e-mail."}, Close: "Kind regards",
	}
}

// OfInvoice writes the letter with an invoice.
func OfInvoice(locale string, f InvoiceFacts) Content {
	due := money.Display(f.Due, f.Currency, locale)
	if lang(locale) == "de" {
		c := Content{
			Subject: "Rechnung " + f.Number, Hello: hallo(f.Name), Lead: "hier ist unsere Rechnung " + f.Number + ".",
			Facts:  []Fact{{"Zu zahlen", due, true}, {"Fällig am", Day(f.DueOn, locale), false}},
			Button: "Rechnung " + f.Number + " ansehen und bezahlen", URL: f.URL,
			After: []string{"Auf der Seite finden Sie auch das PDF. Wenn Sie Fragen haben, antworten Sie einfach auf diese E-Mail."}, Close: "Freundliche Grüße",
		}
		if f.Due == 0 {
			c.Facts, c.Button = []Fact{{"Gesamtbetrag", money.Display(f.Total, f.Currency, locale), true}, {"Offen", due, false}}, "Rechnung "+f.Number+" ansehen"
		}
		return c
	}
	c := Content{
		Subject: "Invoice " + f.Number, Hello: hello(f.Name), Lead: "Here is our invoice " + f.Number + ".",
		Facts:  []Fact{{"To pay", due, true}, {"Due on", Day(f.DueOn, locale), false}},
		Button: "View and pay invoice " + f.Number, URL: f.URL,
		After: []string{"The page has the PDF as well. If you have a question, just reply to this e-mail."}, Close: "Kind regards",
	}
	if f.Due == 0 {
		c.Facts, c.Button = []Fact{{"Total", money.Display(f.Total, f.Currency, locale), true}, {"Due", due, false}}, "View invoice "+f.Number
	}
	return c
}

// OfReceipt writes a receipt.
func OfReceipt(locale string, f ReceiptFacts) Content {
	show := func(n int64) string { return money.Display(n, f.Currency, locale) }
	if lang(locale) == "de" {
		c := Content{
			Subject: "Zahlung erhalten für Rechnung " + f.Number, Hello: hallo(f.Name),
			Lead:   "vielen Dank. Ihre Zahlung für Rechnung " + f.Number + " ist eingegangen.",
			Facts:  []Fact{{"Erhalten", show(f.Amount), true}, {"Am", Day(f.ReceivedOn, locale), false}, {"Zahlungsart", method(f.Method, locale), false}},
			Button: "Rechnung " + f.Number + " ansehen", URL: f.URL, Close: "Freundliche Grüße",
		}
		if len(f.Parts) > 0 {
			c.Subject, c.Lead = "Zahlung erhalten", "vielen Dank. Ihre Zahlung ist eingegangen. Sie verteilt sich auf diese Rechnungen:"
		}
		for _, p := range f.Parts {
			c.Facts = append(c.Facts, Fact{"Rechnung " + p.Number, show(p.Amount), false})
		}
		c.Facts = append(c.Facts, Fact{"Danach noch offen", show(f.Remains), false})
		if f.Credit > 0 {
			c.After = []string{show(f.Credit) + " waren mehr als der offene Betrag. Wir haben sie als Guthaben für Sie vermerkt."}
		}
		return c
	}
	c := Content{
		Subject: "Payment received for invoice " + f.Number, Hello: hello(f.Name),
		Lead:   "Thank you. Your payment for invoice " + f.Number + " has arrived.",
		Facts:  []Fact{{"Received", show(f.Amount), true}, {"On", Day(f.ReceivedOn, locale), false}, {"Paid by", method(f.Method, locale), false}},
		Button: "View invoice " + f.Number, URL: f.URL, Close: "Kind regards",
	}
	if len(f.Parts) > 0 {
		c.Subject, c.Lead = "Payment received", "Thank you. Your payment has arrived and goes to these invoices:"
	}
	for _, p := range f.Parts {
		c.Facts = append(c.Facts, Fact{"Invoice " + p.Number, show(p.Amount), false})
	}
	c.Facts = append(c.Facts, Fact{"Due after this payment", show(f.Remains), false})
	if f.Credit > 0 {
		c.After = []string{show(f.Credit) + " was more than what was due. We keep it as your credit."}
	}
	return c
}

// OfProcessing writes that a payment is on its way.
func OfProcessing(locale string, f PaymentFacts) Content {
	amount := money.Display(f.Amount, f.Currency, locale)
	if lang(locale) == "de" {
		return Content{
			Subject: "Ihre Zahlung für Rechnung " + f.Number + " ist unterwegs", Hello: hallo(f.Name),
			Lead:   "vielen Dank. Ihre Zahlung für Rechnung " + f.Number + " ist unterwegs. Bis Ihre Bank sie ausgeführt hat, können einige Werktage vergehen.",
			Facts:  []Fact{{"Unterwegs", amount, true}, {"Zahlungsart", method(f.Method, locale), false}},
			Button: "Rechnung " + f.Number + " ansehen", URL: f.URL,
			After: []string{"Sie müssen nichts weiter tun. Sobald das Geld da ist, schicken wir Ihnen eine Bestätigung."}, Close: "Freundliche Grüße",
		}
	}
	return Content{
		Subject: "Your payment for invoice " + f.Number + " is on its way", Hello: hello(f.Name),
		Lead:   "Thank you. Your payment for invoice " + f.Number + " is on its way. It can take a few working days until your bank has carried it out.",
		Facts:  []Fact{{"On its way", amount, true}, {"Payment by", method(f.Method, locale), false}},
		Button: "View invoice " + f.Number, URL: f.URL,
		After: []string{"There is nothing more for you to do. We will write again when the money has arrived."}, Close: "Kind regards",
	}
}

// OfFailed writes that a payment did not arrive and what is therefore still to be paid.
func OfFailed(locale string, f PaymentFacts) Content {
	show := func(n int64) string { return money.Display(n, f.Currency, locale) }
	if lang(locale) == "de" {
		return Content{
			Subject: "Ihre Zahlung für Rechnung " + f.Number + " hat nicht geklappt", Hello: hallo(f.Name),
			Lead: "Ihre Zahlung für Rechnung " + f.Number + " konnte nicht ausgeführt werden. Der Betrag ist deshalb noch offen.",
			Facts: []Fact{
				{"Noch zu zahlen", show(f.Due), true}, {"Fällig am", Day(f.DueOn, locale), false},
				{"Nicht eingegangen", show(f.Amount), false}, {"Zahlungsart", method(f.Method, locale), false},
			},
			Button: "Rechnung " + f.Number + " ansehen und bezahlen", URL: f.URL,
			After: []string{"Auf der Seite können Sie es noch einmal versuchen oder einen anderen Zahlungsweg wählen. Wenn Sie Fragen haben, antworten Sie einfach auf diese E-Mail."},
			Close: "Freundliche Grüße",
		}
	}
	return Content{
		Subject: "Your payment for invoice " + f.Number + " did not go through", Hello: hello(f.Name),
		Lead: "Your payment for invoice " + f.Number + " did not go through, so the amount is still due.",
		Facts: []Fact{
			{"Still to pay", show(f.Due), true}, {"Due on", Day(f.DueOn, locale), false},
			{"Did not arrive", show(f.Amount), false}, {"Payment by", method(f.Method, locale), false},
		},
		Button: "View and pay invoice " + f.Number, URL: f.URL,
		After: []string{"On the page you can try again or choose another way to pay. If you have a question, just reply to this e-mail."},
		Close: "Kind regards",
	}
}

// OfEstimateLink writes the letter to a client who asked for the link of an estimate again.
func OfEstimateLink(locale string, f LinkFacts) Content {
	if lang(locale) == "de" {
		return again(locale, "zum Angebot "+f.Number, "Angebot "+f.Number+" ansehen", f)
	}
	return again(locale, "to estimate "+f.Number, "View estimate "+f.Number, f)
}

// OfInvoiceLink writes the letter to a client who asked for the link of an invoice again.
func OfInvoiceLink(locale string, f LinkFacts) Content {
	if lang(locale) == "de" {
		button := "Rechnung " + f.Number + " ansehen"
		if f.Due > 0 {
			button += " und bezahlen"
		}
		return again(locale, "zur Rechnung "+f.Number, button, f)
	}
	button := "View invoice " + f.Number
	if f.Due > 0 {
		button = "View and pay invoice " + f.Number
	}
	return again(locale, "to invoice "+f.Number, button, f)
}

// again writes what both letters with a link have in common.
func again(locale, to, button string, f LinkFacts) Content {
	c := Content{
		Subject: "Your link " + to, Hello: hello(f.Name), Lead: "You asked for the link " + to + " again. Here it is.",
		Button: button, URL: f.URL, Close: "Kind regards",
		After: []string{"Was it not you who asked? Then there is nothing to do: the link comes to this address only."},
	}
	pay, on := "To pay", "Due on"
	if lang(locale) == "de" {
		c = Content{
			Subject: "Ihr Link " + to, Hello: hallo(f.Name), Lead: "Sie haben um den Link " + to + " gebeten. Hier ist er.",
			Button: button, URL: f.URL, Close: "Freundliche Grüße",
			After: []string{"Das waren nicht Sie? Dann müssen Sie nichts tun: Der Link geht nur an diese Adresse."},
		}
		pay, on = "Zu zahlen", "Fällig am"
	}
	if f.Due > 0 {
		c.Facts = []Fact{{pay, money.Display(f.Due, f.Currency, locale), true}, {on, Day(f.DueOn, locale), false}}
	}
	return c
}

func hello(name string) string {
	if name = clean(name, 100); name == "" {
		return "Hello,"
	}
	return "Hello " + name + ","
}

func hallo(name string) string {
	if name = clean(name, 100); name == "" {
		return "Guten Tag,"
	}
	return "Guten Tag " + name + ","
}

type frame struct{ instead string }

func wordsOf(locale string) frame {
	if lang(locale) == "de" {
		return frame{instead: "Oder öffnen Sie diese Adresse:"}
	}
	return frame{instead: "Or open this address:"}
}

var methods = map[string][2]string{
	"card": {"card", "Karte"}, "cash": {"cash", "Bar"}, "transfer": {"bank transfer", "Überweisung"}, "check": {"check", "Scheck"},
	"other": {"other means", "Sonstige"}, "sepa_debit": {"SEPA direct debit", "SEPA-Lastschrift"}, "us_bank_account": {"bank debit", "Bankeinzug"},
}

func method(m, locale string) string {
	w, ok := methods[m]
	if !ok {
		w = methods["other"] // the provider's own word is none that a client knows
	}
	if lang(locale) == "de" {
		return w[1]
	}
	return w[0]
}

var (
	monthsDE = []string{"", "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}
	daysDE   = []string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"}
)

// Day writes a date as people say it: "Friday 3 April 2026", "Freitag, 3. April 2026".
func Day(d civil.Date, locale string) string {
	if lang(locale) == "de" {
		return fmt.Sprintf("%s, %d. %s %d", daysDE[d.Weekday()], d.Day, monthsDE[d.Month], d.Year)
	}
	return d.Weekday().String() + " " + strconv.Itoa(d.Day) + " " + d.Month.String() + " " + strconv.Itoa(d.Year)
}
