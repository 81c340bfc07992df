package stripepay

import (
	"fmt"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"onebook/internal/payment"
)

func sessionOf(s *stripe.CheckoutSession) (payment.Session, error) {
	currency := strings.ToUpper(string(s.Currency))
	amount, err := fromStripe(s.AmountTotal, currency)
	if err != nil {
		return payment.Session{}, fmt.Errorf("payment page %s: %w", s.ID, err)
	}
	out := payment.Session{
		ID: s.ID, URL: s.URL, Status: string(s.Status), Paid: string(s.PaymentStatus),
		Reference: s.ClientReferenceID, Amount: amount, Currency: currency, Live: s.Livemode,
		Metadata: s.Metadata, Created: instant(s.Created), ExpiresAt: instant(s.ExpiresAt),
	}
	if s.PaymentIntent != nil {
		out.Intent = s.PaymentIntent.ID
	}
	if s.Customer != nil {
		out.Customer = s.Customer.ID
	}
	return out, nil
}

func intentOf(pi *stripe.PaymentIntent) (payment.Intent, error) {
	currency := strings.ToUpper(string(pi.Currency))
	out := payment.Intent{
		ID: pi.ID, Status: string(pi.Status), Currency: currency, Live: pi.Livemode,
		Metadata: pi.Metadata, Created: instant(pi.Created),
	}
	var err error
	if out.Amount, err = fromStripe(pi.Amount, currency); err == nil {
		out.Received, err = fromStripe(pi.AmountReceived, currency)
	}
	if err != nil {
		return payment.Intent{}, fmt.Errorf("payment %s: %w", pi.ID, err)
	}
	if e := pi.LastPaymentError; e != nil {
		out.Decline = &payment.Decline{Code: orElse(string(e.DeclineCode), string(e.Code)), Message: e.Msg}
		if e.PaymentMethod != nil {
			out.Method = string(e.PaymentMethod.Type)
		}
	}
	if ch := pi.LatestCharge; ch != nil && ch.PaymentMethodDetails != nil {
		out.Method = string(ch.PaymentMethodDetails.Type)
	}
	return out, nil
}

func eventOf(e *stripe.Event) payment.Event {
	out := payment.Event{ID: e.ID, Type: string(e.Type), APIVersion: e.APIVersion, Live: e.Livemode, Created: instant(e.Created)}
	if e.Data == nil {
		return out
	}
	out.ObjectType, _ = e.Data.Object["object"].(string)
	out.ObjectID, _ = e.Data.Object["id"].(string)
	switch pi := e.Data.Object["payment_intent"].(type) {
	case string:
		out.Intent = pi
	case map[string]any: // expanded
		out.Intent, _ = pi["id"].(string)
	}
	if out.ObjectType == "payment_intent" {
		out.Intent = out.ObjectID
	}
	return out
}

func instant(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// cut shortens text to at most n characters, never within one.
func cut(s string, n int) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "�"))
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// The languages of Stripe's page. Checkout refuses any other tag, so that an unknown one becomes its base
// language or is left to the client's browser.
var languages = set(`bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt
	pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW`)

func locale(tag string) string {
	tag = strings.ReplaceAll(tag, "_", "-")
	if tag == "" || languages[tag] {
		return tag
	}
	base, _, _ := strings.Cut(tag, "-")
	switch base = strings.ToLower(base); base {
	case "no", "nn":
		base = "nb"
	case "tl":
		base = "fil"
	}
	if languages[base] {
		return base
	}
	return "auto"
}
