package stripe

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// session is a Checkout Session in payment mode with one or more ad-hoc lines, hosted.
type session struct {
	object
	ExpiresAt      int64             `json:"expiresAt"`
	Status         string            `json:"status"` // open, complete, expired
	Paid           string            `json:"paid"`   // unpaid, paid
	Customer       string            `json:"customer"`
	Reference      string            `json:"reference"`
	Amount         int64             `json:"amount"` // Stripe's units
	Currency       string            `json:"currency"`
	Lines          []line            `json:"lines"`
	Metadata       map[string]string `json:"metadata"`
	IntentMetadata map[string]string `json:"intentMetadata"`
	Methods        []string          `json:"methods"`
	SuccessURL     string            `json:"successUrl"`
	CancelURL      string            `json:"cancelUrl"`
	Locale         string            `json:"locale"`
	Intent         string            `json:"intent"` // made by the first attempt to pay
	URL            string            `json:"url"`
}

type line struct {
	ID       string `json:"id"`
	Price    string `json:"price"`
	Product  string `json:"product"`
	Name     string `json:"name"`
	Unit     int64  `json:"unit"`
	Quantity int64  `json:"quantity"`
}

func (*session) kind() string { return "session" }

var sessionParams = []string{
	"mode", "customer", "client_reference_id", "success_url", "cancel_url", "expires_at", "locale",
	"metadata[*]", "payment_intent_data[metadata][*]", "payment_method_types[#]",
	"line_items[#][quantity]", "line_items[#][price_data][currency]", "line_items[#][price_data][unit_amount]",
	"line_items[#][price_data][product_data][name]",
}

var sessionListParams = slices.Concat([]string{"customer", "payment_intent", "status"}, pageParams, spanNames)

// The methods that the page can play: at once, and with a debit that takes days.
var methodNames = map[string]string{"card": "Card", "us_bank_account": "US bank account (ACH)", "sepa_debit": "SEPA Direct Debit"}

var locales = regexp.MustCompile(`^(auto|bg|cs|da|de|el|en|en-GB|es|es-419|et|fi|fil|fr|fr-CA|hr|hu|id|it|ja|ko|lt|lv|ms|mt|nb|nl|pl|pt|pt-BR|ro|ru|sk|sl|sv|th|tr|vi|zh|zh-HK|zh-TW)$`)

func (s *Server) createSession(c *call) (deed, *apiError) {
	f := c.form
	cs := &session{
		Status: "open", Paid: "unpaid", Customer: f.text("customer"), Reference: f.text("client_reference_id"),
		SuccessURL: f.text("success_url"), CancelURL: f.text("cancel_url"), Locale: f.text("locale"),
		Methods: f.list("payment_method_types"), ExpiresAt: c.now.Add(24 * time.Hour).Unix(),
	}
	if f.text("mode") != "payment" {
		return nil, invalid("", "mode", "Invalid mode: this stand-in has payment only.")
	}
	for _, check := range []func(form, *session, time.Time) *apiError{readLinks, readLines, s.readMethods, readMetadata, readExpiry} {
		if e := check(f, cs, c.now); e != nil {
			return nil, e
		}
	}
	if e := checkAmount(cs.Amount, cs.Currency); e != nil {
		return nil, e
	}
	return func(tx *bbolt.Tx) (map[string]any, error) {
		if cs.Customer != "" {
			var cu customer
			if ok, err := load(tx, cs.Customer, &cu); err != nil {
				return nil, err
			} else if !ok {
				return nil, noSuchParam("customer", cs.Customer, "customer")
			}
		}
		if err := s.nameSession(cs); err != nil {
			return nil, err
		}
		cs.Created = c.now.Unix()
		cs.URL = c.base + "/pay/" + cs.ID
		if err := add(tx, cs); err != nil {
			return nil, err
		}
		if err := tx.Bucket(open).Put(openKey(cs.ExpiresAt, cs.ID), nil); err != nil {
			return nil, err
		}
		return cs.render(tx)
	}, nil
}

func (s *Server) nameSession(cs *session) (err error) {
	if cs.ID, err = s.newID("cs_test_a1", 56); err != nil {
		return err
	}
	for i := range cs.Lines {
		l := &cs.Lines[i]
		for prefix, id := range map[string]*string{"li_1": &l.ID, "price_1": &l.Price, "prod_": &l.Product} {
			if *id, err = s.newID(prefix, 14); err != nil {
				return err
			}
		}
	}
	return nil
}

func readLinks(f form, cs *session, _ time.Time) *apiError {
	if cs.SuccessURL == "" {
		return missing("success_url")
	}
	for param, link := range map[string]string{"success_url": cs.SuccessURL, "cancel_url": cs.CancelURL} {
		u, err := url.Parse(link)
		if link != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return invalid("url_invalid", param, "Not a valid URL: %s", link)
		}
	}
	if len(cs.Reference) > 200 {
		return invalid("", "client_reference_id", "Invalid string: client_reference_id can have up to 200 characters.")
	}
	if cs.Locale != "" && !locales.MatchString(cs.Locale) {
		return invalid("", "locale", "Invalid locale: %s", cs.Locale)
	}
	return nil
}

// debitCurrency is the one currency that each bank debit is in.
var debitCurrency = map[string]string{"us_bank_account": "usd", "sepa_debit": "eur"}

func (s *Server) readMethods(f form, cs *session, _ time.Time) *apiError {
	if len(cs.Methods) == 0 {
		cs.Methods = []string{"card"}
	}
	for _, m := range cs.Methods {
		if methodNames[m] == "" {
			return invalid("", "payment_method_types", "Invalid payment_method_types: this stand-in has card, us_bank_account and sepa_debit, not %s.", m)
		}
		if c := debitCurrency[m]; c != "" && c != cs.Currency {
			return invalid("", "payment_method_types", "The payment method %s supports only payments in %s.", m, c)
		}
		if len(s.Methods) > 0 && !slices.Contains(s.Methods, m) {
			return invalid("", "payment_method_types", "The payment method type provided: %s is invalid. Please ensure the provided type is activated in your dashboard.", m)
		}
	}
	return nil
}

func readLines(f form, cs *session, _ time.Time) *apiError {
	for i := 0; ; i++ {
		at := "line_items[" + string(rune('0'+i)) + "]"
		data := at + "[price_data]"
		if !f.has(at+"[quantity]") && !f.has(data+"[currency]") {
			break
		}
		if i == 9 {
			return invalid("", "line_items", "This stand-in takes up to nine line items.")
		}
		var l line
		var e *apiError
		if l.Quantity, e = f.integer(at + "[quantity]"); e != nil {
			return e
		}
		if l.Unit, e = f.integer(data + "[unit_amount]"); e != nil {
			return e
		}
		currency := f.text(data + "[currency]")
		switch l.Name = f.text(data + "[product_data][name]"); {
		case l.Name == "":
			return missing(data + "[product_data][name]")
		case l.Quantity < 1 || l.Unit < 0 || l.Unit > 1<<40 || l.Quantity > 1<<20:
			return invalid("parameter_invalid_integer", at, "Invalid amount or quantity.")
		case !regexp.MustCompile(`^[a-z]{3}$`).MatchString(currency):
			return invalid("", data+"[currency]", "Invalid currency: %s. Stripe wants three lower-case letters.", currency)
		case i > 0 && currency != cs.Currency:
			return invalid("", data+"[currency]", "All line items must have the same currency.")
		}
		cs.Currency = currency
		cs.Amount += l.Unit * l.Quantity
		cs.Lines = append(cs.Lines, l)
	}
	if len(cs.Lines) == 0 {
		return missing("line_items")
	}
	return nil
}

func readMetadata(f form, cs *session, _ time.Time) (e *apiError) {
	if cs.Metadata, e = f.pairs("metadata"); e != nil {
		return e
	}
	cs.IntentMetadata, e = f.pairs("payment_intent_data[metadata]")
	return e
}

func readExpiry(f form, cs *session, now time.Time) (e *apiError) {
	if !f.has("expires_at") {
		return nil
	}
	if cs.ExpiresAt, e = f.integer("expires_at"); e != nil {
		return e
	}
	switch in := cs.ExpiresAt - now.Unix(); {
	case in < 30*60:
		return invalid("", "expires_at", "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.")
	case in > 24*60*60:
		return invalid("", "expires_at", "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.")
	}
	return nil
}

func (s *Server) getSession(c *call) (deed, *apiError) {
	return func(tx *bbolt.Tx) (map[string]any, error) {
		var cs session
		if ok, err := load(tx, c.id, &cs); err != nil || !ok {
			return nil, orNoSuch(err, "checkout.session", c.id, "session")
		}
		return cs.render(tx, c.form.list("expand")...)
	}, nil
}

func (s *Server) expireSession(c *call) (deed, *apiError) {
	return func(tx *bbolt.Tx) (map[string]any, error) {
		var cs session
		if ok, err := load(tx, c.id, &cs); err != nil || !ok {
			return nil, orNoSuch(err, "checkout.session", c.id, "session")
		}
		if cs.Status != "open" {
			return nil, invalid("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `%s`.", cs.Status)
		}
		if err := s.closeSession(tx, &cs, "expired", c.now, c.cause); err != nil {
			return nil, err
		}
		return cs.render(tx)
	}, nil
}

// closeSession ends an open page as complete or expired and tells so. With a page that runs out goes the payment that
// was tried on it in vain: Stripe cancels it.
func (s *Server) closeSession(tx *bbolt.Tx, cs *session, status string, now time.Time, because cause) error {
	cs.Status = status
	if err := tx.Bucket(open).Delete(openKey(cs.ExpiresAt, cs.ID)); err != nil {
		return err
	}
	if err := put(tx, cs); err != nil {
		return err
	}
	if status == "complete" {
		return s.emitSession(tx, "checkout.session.completed", cs, now, because)
	}
	if cs.Intent != "" {
		if err := s.cancel(tx, cs.Intent, now, because); err != nil {
			return err
		}
	}
	return s.emitSession(tx, "checkout.session.expired", cs, now, because)
}

func (s *Server) emitSession(tx *bbolt.Tx, event string, cs *session, now time.Time, because cause) error {
	out, err := cs.render(tx)
	if err != nil {
		return err
	}
	return s.emit(tx, event, out, cs.Intent, now, because)
}

func (s *Server) listSessions(c *call) (deed, *apiError) {
	when, e := c.form.span()
	if e != nil {
		return nil, e
	}
	page, e := readPage(c.form)
	if e != nil {
		return nil, e
	}
	return func(tx *bbolt.Tx) (map[string]any, error) {
		return list(tx, page, "/v1/checkout/sessions", func(id string) (map[string]any, bool, error) {
			var cs session
			if _, err := load(tx, id, &cs); err != nil {
				return nil, false, err
			}
			fits := when.from <= cs.Created && cs.Created <= when.to
			for param, have := range map[string]string{"customer": cs.Customer, "payment_intent": cs.Intent, "status": cs.Status} {
				fits = fits && (!c.form.has(param) || c.form.text(param) == have)
			}
			if !fits {
				return nil, cs.Created >= when.from, nil
			}
			out, err := cs.render(tx)
			return out, true, err
		}, &session{})
	}, nil
}

func (cs *session) render(tx *bbolt.Tx, expand ...string) (map[string]any, error) {
	out := map[string]any{
		"id": cs.ID, "object": "checkout.session", "created": cs.Created, "expires_at": cs.ExpiresAt, "livemode": false,
		"mode": "payment", "status": cs.Status, "payment_status": cs.Paid, "payment_intent": text(cs.Intent),
		"amount_subtotal": cs.Amount, "amount_total": cs.Amount, "currency": cs.Currency,
		"customer": text(cs.Customer), "client_reference_id": text(cs.Reference), "metadata": pairs(cs.Metadata),
		"success_url": cs.SuccessURL, "cancel_url": text(cs.CancelURL), "url": nil, "locale": text(cs.Locale),
		"payment_method_types": cs.Methods, "payment_method_options": map[string]any{}, "payment_method_collection": "if_required",
		"total_details": map[string]any{"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
		"automatic_tax": map[string]any{"enabled": false, "liability": nil, "status": nil},
		"custom_fields": []any{}, "shipping_options": []any{}, "phone_number_collection": map[string]any{"enabled": false},
		"custom_text": map[string]any{"after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil},

		"after_expiration": nil, "allow_promotion_codes": nil, "billing_address_collection": nil, "client_secret": nil, "consent": nil,
		"consent_collection": nil, "currency_conversion": nil, "customer_creation": nil, "customer_details": nil, "customer_email": nil,
		"invoice": nil, "invoice_creation": nil, "payment_link": nil, "payment_method_configuration_details": nil, "recovered_from": nil,
		"setup_intent": nil, "shipping_address_collection": nil, "shipping_cost": nil, "submit_type": nil, "subscription": nil,
	}
	if cs.Status == "open" {
		out["url"] = cs.URL
	}
	if cs.Status == "complete" {
		out["customer_details"] = map[string]any{"address": nil, "email": nil, "name": nil, "phone": nil, "tax_exempt": "none", "tax_ids": []any{}}
		var cu customer
		if ok, err := load(tx, cs.Customer, &cu); err != nil {
			return nil, err
		} else if ok {
			out["customer_details"] = map[string]any{"address": nil, "email": text(cu.Email), "name": text(cu.Name), "phone": text(cu.Phone), "tax_exempt": "none", "tax_ids": []any{}}
		}
	}
	for _, e := range expand {
		switch {
		case e == "line_items":
			out["line_items"] = cs.renderLines()
		case e == "payment_intent" && cs.Intent != "":
			var pi intent
			if _, err := load(tx, cs.Intent, &pi); err != nil {
				return nil, err
			}
			var err error
			if out["payment_intent"], err = pi.render(tx); err != nil {
				return nil, err
			}
		case e != "payment_intent":
			return nil, invalid("", "expand", "This property cannot be expanded (%s).", e)
		}
	}
	return out, nil
}

func (cs *session) renderLines() map[string]any {
	data := make([]any, 0, len(cs.Lines))
	for _, l := range cs.Lines {
		sum := l.Unit * l.Quantity
		data = append(data, map[string]any{
			"id": l.ID, "object": "item", "description": l.Name, "quantity": l.Quantity, "currency": cs.Currency,
			"amount_subtotal": sum, "amount_total": sum, "amount_tax": 0, "amount_discount": 0,
			"price": map[string]any{
				"id": l.Price, "object": "price", "active": false, "billing_scheme": "per_unit", "created": cs.Created, "currency": cs.Currency,
				"custom_unit_amount": nil, "livemode": false, "lookup_key": nil, "metadata": map[string]any{}, "nickname": nil, "product": l.Product,
				"recurring": nil, "tax_behavior": "unspecified", "tiers_mode": nil, "transform_quantity": nil, "type": "one_time",
				"unit_amount": l.Unit, "unit_amount_decimal": decimal(l.Unit),
			},
		})
	}
	return map[string]any{"object": "list", "data": data, "has_more": false, "url": "/v1/checkout/sessions/" + cs.ID + "/line_items"}
}

func (cs *session) description() string {
	names := make([]string, len(cs.Lines))
	for i, l := range cs.Lines {
		names[i] = l.Name
	}
	return strings.Join(names, ", ")
}
