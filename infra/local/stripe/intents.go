package stripe

import (
	"time"

	"go.etcd.io/bbolt"
)

// intent is a PaymentIntent; a page makes one at the first attempt and keeps it through all further ones.
type intent struct {
	object
	Session  string            `json:"session"`
	Status   string            `json:"status"`
	Amount   int64             `json:"amount"`
	Received int64             `json:"received"`
	Currency string            `json:"currency"`
	Customer string            `json:"customer"`
	Metadata map[string]string `json:"metadata"`
	Methods  []string          `json:"methods"`
	Charge   string            `json:"charge"` // of the last attempt
	Decline  *decline          `json:"decline"`
	Canceled int64             `json:"canceled"`
	Ends     int64             `json:"ends"`    // when a debit under way ends by itself
	Returns  bool              `json:"returns"` // and whether it comes back then
}

// charge is one attempt.
type charge struct {
	object
	Intent   string            `json:"intent"`
	Status   string            `json:"status"` // succeeded, pending, failed
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Customer string            `json:"customer"`
	Metadata map[string]string `json:"metadata"`
	Method   string            `json:"method"`
	MethodID string            `json:"methodId"`
	Last4    string            `json:"last4"`
	Decline  *decline          `json:"decline"`
}

type decline struct {
	Code    string `json:"code"`
	Reason  string `json:"reason"` // decline_code
	Message string `json:"message"`
}

func (*intent) kind() string { return "payment_intent" }
func (*charge) kind() string { return "charge" }

func (s *Server) getIntent(c *call) (deed, *apiError) {
	return func(tx *bbolt.Tx) (map[string]any, error) {
		var pi intent
		if ok, err := load(tx, c.id, &pi); err != nil || !ok {
			return nil, orNoSuch(err, "payment_intent", c.id, "intent")
		}
		return pi.render(tx, c.form.list("expand")...)
	}, nil
}

func (s *Server) getCharge(c *call) (deed, *apiError) {
	return func(tx *bbolt.Tx) (map[string]any, error) {
		var ch charge
		if ok, err := load(tx, c.id, &ch); err != nil || !ok {
			return nil, orNoSuch(err, "charge", c.id, "id")
		}
		return ch.render(), nil
	}, nil
}

func (s *Server) cancel(tx *bbolt.Tx, id string, now time.Time, because cause) error {
	pi := &intent{}
	if _, err := load(tx, id, pi); err != nil {
		return err
	}
	pi.Status, pi.Canceled = "canceled", now.Unix()
	if err := put(tx, pi); err != nil {
		return err
	}
	out, err := pi.render(tx)
	if err != nil {
		return err
	}
	return s.emit(tx, "payment_intent.canceled", out, pi.ID, now, because)
}

func (pi *intent) render(tx *bbolt.Tx, expand ...string) (map[string]any, error) {
	var ch charge
	if pi.Charge != "" {
		if _, err := load(tx, pi.Charge, &ch); err != nil {
			return nil, err
		}
	}
	out := map[string]any{
		"id": pi.ID, "object": "payment_intent", "created": pi.Created, "livemode": false, "status": pi.Status,
		"amount": pi.Amount, "amount_received": pi.Received, "amount_capturable": 0, "amount_details": map[string]any{"tip": map[string]any{}},
		"currency": pi.Currency, "customer": text(pi.Customer), "metadata": pairs(pi.Metadata),
		"payment_method_types": pi.Methods, "payment_method_options": map[string]any{}, "payment_method": nil,
		"latest_charge": text(pi.Charge), "last_payment_error": nil, "capture_method": "automatic", "confirmation_method": "automatic",

		"application": nil, "application_fee_amount": nil, "automatic_payment_methods": nil, "canceled_at": nil, "cancellation_reason": nil,
		"client_secret": nil, "description": nil, "next_action": nil, "on_behalf_of": nil, "payment_method_configuration_details": nil,
		"processing": nil, "receipt_email": nil, "review": nil, "setup_future_usage": nil, "shipping": nil, "statement_descriptor": nil,
		"statement_descriptor_suffix": nil, "transfer_data": nil, "transfer_group": nil,
	}
	if pi.Status == "succeeded" || pi.Status == "processing" {
		out["payment_method"] = text(ch.MethodID)
	}
	if pi.Canceled != 0 {
		out["canceled_at"], out["cancellation_reason"] = pi.Canceled, "automatic"
	}
	if d := pi.Decline; d != nil {
		e := map[string]any{
			"type": "card_error", "code": d.Code, "message": d.Message, "charge": ch.ID,
			"doc_url": "https://stripe.com/docs/error-codes/" + d.Code, "payment_method": ch.renderMethod(),
		}
		if d.Reason != "" {
			e["decline_code"] = d.Reason
		}
		if ch.Method != "card" {
			e["type"] = "invalid_request_error"
		}
		out["last_payment_error"] = e
	}
	for _, e := range expand {
		if e != "latest_charge" {
			return nil, invalid("", "expand", "This property cannot be expanded (%s).", e)
		}
		if pi.Charge != "" {
			out["latest_charge"] = ch.render()
		}
	}
	return out, nil
}

func (ch *charge) render() map[string]any {
	captured := int64(0)
	if ch.Status == "succeeded" {
		captured = ch.Amount
	}
	out := map[string]any{
		"id": ch.ID, "object": "charge", "created": ch.Created, "livemode": false, "status": ch.Status,
		"amount": ch.Amount, "amount_captured": captured, "amount_refunded": 0, "currency": ch.Currency, "customer": text(ch.Customer),
		"captured": ch.Status == "succeeded", "paid": ch.Status == "succeeded", "refunded": false, "disputed": false,
		"payment_intent": text(ch.Intent), "payment_method": text(ch.MethodID), "metadata": pairs(ch.Metadata),
		"billing_details":        billing(),
		"payment_method_details": map[string]any{"type": ch.Method, ch.Method: ch.details()},
		"failure_code":           nil, "failure_message": nil, "fraud_details": map[string]any{},

		"application": nil, "application_fee": nil, "application_fee_amount": nil, "balance_transaction": nil,
		"calculated_statement_descriptor": nil, "description": nil, "failure_balance_transaction": nil, "on_behalf_of": nil,
		"outcome": nil, "receipt_email": nil, "receipt_number": nil, "receipt_url": nil, "review": nil, "shipping": nil,
		"source_transfer": nil, "statement_descriptor": nil, "statement_descriptor_suffix": nil, "transfer_data": nil, "transfer_group": nil,
	}
	if d := ch.Decline; d != nil {
		out["failure_code"], out["failure_message"] = d.Code, d.Message
	}
	return out
}

func (ch *charge) details() map[string]any {
	switch ch.Method {
	case "card":
		return map[string]any{"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "funding": "credit", "last4": ch.Last4, "network": "visa"}
	case "sepa_debit":
		// A real charge names its mandate here; nothing of the product asks for one, so there is none to look up.
		return map[string]any{"bank_code": "37040044", "branch_code": nil, "country": "DE", "fingerprint": nil, "last4": ch.Last4, "mandate": nil}
	}
	return map[string]any{"account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK", "fingerprint": nil, "last4": ch.Last4, "routing_number": "110000000"}
}

func (ch *charge) renderMethod() map[string]any {
	d := ch.details()
	switch ch.Method {
	case "card":
		delete(d, "network")
	case "sepa_debit":
		delete(d, "mandate")
	}
	return map[string]any{
		"id": ch.MethodID, "object": "payment_method", "type": ch.Method, "created": ch.Created, "livemode": false,
		"customer": nil, "metadata": map[string]any{}, "billing_details": billing(), ch.Method: d,
	}
}

func billing() map[string]any {
	return map[string]any{
		"address": map[string]any{"city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil},
		"email":   nil, "name": nil, "phone": nil,
	}
}
