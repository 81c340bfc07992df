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

// ReceiptFacts are what a receipt tells. Credit is what was paid beyond what was due.
type ReceiptFacts struct {
	Name, Number, Currency  string
	Amount, Remains, Credit int64
	Method                  string
	ReceivedOn              civil.Date
	URL                     string
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
			Lead: "vielen Dank. Ihre Zahlung für Rechnung " + f.Number + " ist eingegangen.",
			Facts: []Fact{
				{"Erhalten", show(f.Amount), true}, {"Am", Day(f.ReceivedOn, locale), false}, {"Per", method(f.Method, locale), false},
				{"Noch offen", show(f.Remains), false},
			},
			Button: "Rechnung " + f.Number + " ansehen", URL: f.URL, Close: "Freundliche Grüße",
		}
		if f.Credit > 0 {
			c.After = []string{show(f.Credit) + " waren mehr als der offene Betrag. Wir haben sie als Guthaben für Sie vermerkt."}
		}
		return c
	}
	c := Content{
		Subject: "Payment received for invoice " + f.Number, Hello: hello(f.Name),
		Lead: "Thank you. Your payment for invoice " + f.Number + " has arrived.",
		Facts: []Fact{
			{"Received", show(f.Amount), true}, {"On", Day(f.ReceivedOn, locale), false}, {"By", method(f.Method, locale), false},
			{"Still due", show(f.Remains), false},
		},
		Button: "View invoice " + f.Number, URL: f.URL, Close: "Kind regards",
	}
	if f.Credit > 0 {
		c.After = []string{show(f.Credit) + " was more than what was due. We keep it as your credit."}
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
	"other": {"other means", "Sonstiges"}, "sepa_debit": {"SEPA direct debit", "SEPA-Lastschrift"}, "us_bank_account": {"bank debit", "Bankeinzug"},
}

func method(m, locale string) string {
	w, ok := methods[m]
	if !ok {
		return m
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
