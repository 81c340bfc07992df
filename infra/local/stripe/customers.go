package stripe

import (
	"strings"

	"go.etcd.io/bbolt"
)

type customer struct {
	object
	Name        string            `json:"name"`
	Email       string            `json:"email"`
	Phone       string            `json:"phone"`
	Description string            `json:"description"`
	Metadata    map[string]string `json:"metadata"`
}

func (*customer) kind() string { return "customer" }

var customerParams = []string{"name", "email", "phone", "description", "metadata[*]"}

func (s *Server) createCustomer(c *call) (deed, *apiError) {
	cu := &customer{Name: c.form.text("name"), Email: c.form.text("email"), Phone: c.form.text("phone"), Description: c.form.text("description")}
	var e *apiError
	if cu.Metadata, e = c.form.pairs("metadata"); e != nil {
		return nil, e
	}
	if len([]rune(cu.Name)) > 256 {
		return nil, invalid("", "name", "Invalid string: name can have up to 256 characters.")
	}
	if at := strings.LastIndexByte(cu.Email, '@'); cu.Email != "" && (at < 1 || !strings.Contains(cu.Email[at:], ".") || strings.ContainsAny(cu.Email, " \r\n\t")) {
		return nil, invalid("email_invalid", "email", "Invalid email address: %s", cu.Email)
	}
	return func(tx *bbolt.Tx) (map[string]any, error) {
		id, err := s.newID("cus_", 14)
		if err != nil {
			return nil, err
		}
		cu.object = object{ID: id, Created: c.now.Unix()}
		if err := add(tx, cu); err != nil {
			return nil, err
		}
		return cu.render(), s.emit(tx, "customer.created", cu.render(), "", c.now, c.cause)
	}, nil
}

func (s *Server) getCustomer(c *call) (deed, *apiError) {
	return func(tx *bbolt.Tx) (map[string]any, error) {
		var cu customer
		if ok, err := load(tx, c.id, &cu); err != nil || !ok {
			return nil, orNoSuch(err, "customer", c.id, "id")
		}
		return cu.render(), nil
	}, nil
}

func orNoSuch(err error, kind, id, param string) error {
	if err != nil {
		return err
	}
	return noSuch(kind, id, param)
}

func (cu *customer) render() map[string]any {
	return map[string]any{
		"id": cu.ID, "object": "customer", "created": cu.Created, "livemode": false,
		"name": text(cu.Name), "email": text(cu.Email), "phone": text(cu.Phone), "description": text(cu.Description),
		"metadata": pairs(cu.Metadata), "address": nil, "shipping": nil, "balance": 0, "currency": nil,
		"default_source": nil, "delinquent": false, "discount": nil, "preferred_locales": []any{},
		"tax_exempt": "none", "test_clock": nil, "next_invoice_sequence": 1,
		"invoice_settings": map[string]any{"custom_fields": nil, "default_payment_method": nil, "footer": nil, "rendering_options": nil},
	}
}

// text is a string or, when empty, null: Stripe has no empty strings.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func pairs(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
