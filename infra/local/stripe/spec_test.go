package stripe

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/stripe/stripe-mock/embedded"
)

// The specification is the one that Stripe publishes, as it lies in stripe-mock v0.203.0. It describes a later
// version of the API than ours; what the two have in common is checked in full.

type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 string             `json:"type"`
	Nullable             bool               `json:"nullable"`
	Enum                 []any              `json:"enum"`
	AnyOf                []*schema          `json:"anyOf"`
	Items                *schema            `json:"items"`
	Properties           map[string]*schema `json:"properties"`
	Required             []string           `json:"required"`
	MaxLength            int                `json:"maxLength"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
	ExpansionResources   json.RawMessage    `json:"x-expansionResources"`
}

type specification struct {
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct {
				Schema *schema `json:"schema"`
			} `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
}

var stripeSpec = sync.OnceValue(func() *specification {
	s := &specification{}
	if err := json.Unmarshal(embedded.OpenAPISpec, s); err != nil {
		panic(err)
	}
	return s
})

// faultsIn lists what of v is not as the schema says, beyond the rules of JSON Schema also members that the
// schema does not name: an invented one would be found nowhere else. Expandable members are ids.
func (s *specification) faultsIn(at string, sc *schema, v any, expanded bool) []string {
	if sc.Ref != "" {
		name := strings.TrimPrefix(sc.Ref, "#/components/schemas/")
		return s.faultsIn(at, s.Components.Schemas[name], v, expanded)
	}
	if v == nil {
		if sc.Nullable || len(sc.Enum) == 1 && sc.Enum[0] == nil {
			return nil
		}
		return []string{at + " is null"}
	}
	if len(sc.AnyOf) > 0 {
		var all []string
		for _, one := range sc.AnyOf {
			if one.Ref != "" && len(sc.ExpansionResources) > 0 && !expanded {
				continue
			}
			faults := s.faultsIn(at, one, v, expanded)
			if len(faults) == 0 {
				return nil
			}
			all = append(all, faults...)
		}
		return all
	}
	switch x := v.(type) {
	case map[string]any:
		return s.faultsInObject(at, sc, x, expanded)
	case []any:
		if sc.Type != "array" {
			return []string{at + " is a list"}
		}
		var all []string
		for i, item := range x {
			all = append(all, s.faultsIn(fmt.Sprintf("%s[%d]", at, i), sc.Items, item, expanded)...)
		}
		return all
	case string:
		if sc.Type != "string" {
			return []string{at + " is text"}
		}
		if sc.MaxLength > 0 && len([]rune(x)) > sc.MaxLength {
			return []string{at + " is too long"}
		}
		return inEnum(at, sc, x)
	case bool:
		if sc.Type != "boolean" {
			return []string{at + " is a boolean"}
		}
	case float64:
		if sc.Type != "number" && (sc.Type != "integer" || x != float64(int64(x))) {
			return []string{fmt.Sprintf("%s is the number %v", at, x)}
		}
	}
	return nil
}

func inEnum(at string, sc *schema, x string) []string {
	for _, e := range sc.Enum {
		if e == x {
			return nil
		}
	}
	if len(sc.Enum) > 0 {
		return []string{at + " is " + x + ", which is none of the values"}
	}
	return nil
}

func (s *specification) faultsInObject(at string, sc *schema, x map[string]any, expanded bool) []string {
	if sc.Type != "object" {
		return []string{at + " is an object"}
	}
	var all []string
	for _, name := range sc.Required {
		if _, ok := x[name]; !ok {
			all = append(all, at+" lacks "+name)
		}
	}
	var free schema
	open := len(sc.AdditionalProperties) > 0 && string(sc.AdditionalProperties) != "false"
	if open && string(sc.AdditionalProperties) != "true" {
		if err := json.Unmarshal(sc.AdditionalProperties, &free); err != nil {
			return []string{err.Error()}
		}
	}
	for name, v := range x {
		switch p := sc.Properties[name]; {
		case p != nil:
			all = append(all, s.faultsIn(at+"."+name, p, v, expanded)...)
		case open && free.Type != "":
			all = append(all, s.faultsIn(at+"."+name, &free, v, expanded)...)
		case !open && len(sc.Properties) > 0:
			all = append(all, at+" has "+name+", which is not in the specification")
		}
	}
	sort.Strings(all)
	return all
}

// conforms checks a response against what the specification says of the operation and status, and of every event
// in it also the object inside.
func conforms(t *testing.T, what, method, path string, r response, expanded bool) {
	t.Helper()
	spec := stripeSpec()
	status := "200"
	if r.status != 200 {
		status = "default"
	}
	sc := spec.Paths[path][strings.ToLower(method)].Responses[status].Content["application/json"].Schema
	if sc == nil {
		t.Fatalf("%s: the specification has no %s %s", what, method, path)
	}
	for _, f := range spec.faultsIn("answer", sc, r.body, expanded) {
		t.Errorf("%s: %s", what, f)
	}
	conformEvents(t, what, r.body)
}

func conformEvents(t *testing.T, what string, body map[string]any) {
	t.Helper()
	if body["object"] == "list" {
		for _, x := range body["data"].([]any) {
			conformEvents(t, what, x.(map[string]any))
		}
	}
	if body["object"] != "event" {
		return
	}
	inside := body["data"].(map[string]any)["object"].(map[string]any)
	kind := inside["object"].(string)
	sc := stripeSpec().Components.Schemas[kind]
	if sc == nil {
		t.Fatalf("%s: the specification has no %s", what, kind)
	}
	for _, f := range stripeSpec().faultsIn(kind, sc, inside, false) {
		t.Errorf("%s: the %s of %s: %s", what, kind, body["type"], f)
	}
}

// Every shape of answer and of webhook is one that Stripe itself describes.
func TestAnswersAreStripes(t *testing.T) {
	w := newWorld(t)
	check := func(what, method, spec, path string, params ...string) response {
		t.Helper()
		r := w.call(method, path, "", params...)
		conforms(t, what, method, spec, r, strings.Contains(strings.Join(params, " "), "expand"))
		return r
	}
	cu := check("a customer", "POST", "/v1/customers", "/v1/customers", "name=Ada Lovelace", "email=ada@example.com", "metadata[contactId]=ct_1")
	check("a bare customer", "POST", "/v1/customers", "/v1/customers")
	check("a customer looked up", "GET", "/v1/customers/{customer}", "/v1/customers/"+cu.id())
	open := func(more ...string) string {
		t.Helper()
		return check("a page", "POST", "/v1/checkout/sessions", "/v1/checkout/sessions", append(line11900(coin(more), "11900"),
			append(more, "customer="+cu.id(), "client_reference_id=py_1", "metadata[invoiceId]=in_1", "payment_intent_data[metadata][invoiceId]=in_1", "locale=de")...)...).id()
	}
	look := func(what, id string) {
		t.Helper()
		const path = "/v1/checkout/sessions/{session}"
		check(what, "GET", path, "/v1/checkout/sessions/"+id)
		r := check(what+", expanded", "GET", path, "/v1/checkout/sessions/"+id, "expand[0]=line_items", "expand[1]=payment_intent")
		pi, _ := r.body["payment_intent"].(map[string]any)
		if pi == nil {
			return
		}
		check(what+": its intent", "GET", "/v1/payment_intents/{intent}", "/v1/payment_intents/"+pi["id"].(string))
		got := check(what+": its intent, expanded", "GET", "/v1/payment_intents/{intent}", "/v1/payment_intents/"+pi["id"].(string), "expand[]=latest_charge")
		charge := got.body["latest_charge"].(map[string]any)["id"].(string)
		check(what+": its charge", "GET", "/v1/charges/{charge}", "/v1/charges/"+charge)
	}
	for _, c := range []struct{ outcome, method string }{{Success, "card"}, {Decline, "card"}, {DeclineThenSuccess, "card"}, {Abandon, "card"},
		{Processing, "sepa_debit"}, {Success, "us_bank_account"}, {Decline, "sepa_debit"}} {
		id := open("payment_method_types[0]="+c.method, "expires_at=1767690000")
		w.pay(id, c.outcome, c.method)
		look(c.outcome+" by "+c.method, id)
	}
	for _, arrived := range []bool{true, false} {
		id := open("payment_method_types[]=us_bank_account", "payment_method_types[]=card")
		pi := w.pay(id, Processing, "us_bank_account").PaymentIntent
		if err := w.Settle(t.Context(), pi, arrived); err != nil {
			t.Fatal(err)
		}
		look(fmt.Sprintf("a debit that arrived: %v", arrived), id)
	}
	id := open()
	w.pay(id, Decline, "card")
	check("a page closed", "POST", "/v1/checkout/sessions/{session}/expire", "/v1/checkout/sessions/"+id+"/expire")
	look("a closed page", id)
	check("a page closed twice", "POST", "/v1/checkout/sessions/{session}/expire", "/v1/checkout/sessions/"+id+"/expire")
	check("pages", "GET", "/v1/checkout/sessions", "/v1/checkout/sessions", "customer="+cu.id(), "created[gte]=1", "limit=3")
	check("a page of nobody", "GET", "/v1/checkout/sessions/{session}", "/v1/checkout/sessions/cs_test_no")
	check("a page with a mistake", "POST", "/v1/checkout/sessions", "/v1/checkout/sessions", append(line11900("eur", "1"), "tip=1")...)

	all := check("events", "GET", "/v1/events", "/v1/events", "limit=100")
	data := all.body["data"].([]any)
	check("an event", "GET", "/v1/events/{id}", "/v1/events/"+data[0].(map[string]any)["id"].(string))
	kinds := map[string]bool{}
	for _, e := range data {
		kinds[e.(map[string]any)["type"].(string)] = true
	}
	for _, k := range []string{"customer.created", "checkout.session.completed", "checkout.session.expired", "checkout.session.async_payment_succeeded",
		"checkout.session.async_payment_failed", "payment_intent.created", "payment_intent.succeeded", "payment_intent.processing",
		"payment_intent.payment_failed", "payment_intent.canceled", "charge.succeeded", "charge.failed", "charge.pending"} {
		if !kinds[k] {
			t.Errorf("no %s among the events that were checked", k)
		}
	}
	e := check("an endpoint", "POST", "/v1/webhook_endpoints", "/v1/webhook_endpoints", "url=https://studio.test/hooks/stripe", "enabled_events[0]=charge.succeeded", "api_version=2023-10-16")
	const endpoint = "/v1/webhook_endpoints/{webhook_endpoint}"
	check("endpoints", "GET", "/v1/webhook_endpoints", "/v1/webhook_endpoints")
	check("an endpoint looked up", "GET", endpoint, "/v1/webhook_endpoints/"+e.id())
	check("an endpoint changed", "POST", endpoint, "/v1/webhook_endpoints/"+e.id(), "enabled_events[0]=*")
	check("an endpoint gone", "DELETE", endpoint, "/v1/webhook_endpoints/"+e.id())
}

// The check itself must be able to fail: on what is missing, what is wrong and what is invented.
func TestTheSpecificationBites(t *testing.T) {
	w := newWorld(t)
	sc := stripeSpec().Components.Schemas["checkout.session"]
	for name, spoil := range map[string]func(map[string]any){
		"answer lacks expires_at":      func(m map[string]any) { delete(m, "expires_at") },
		"answer.status is paid":        func(m map[string]any) { m["status"] = "paid" },
		"answer.amount_total is text":  func(m map[string]any) { m["amount_total"] = "11900" },
		"answer has total, which":      func(m map[string]any) { m["total"] = 1.0 },
		"answer.livemode is null":      func(m map[string]any) { m["livemode"] = nil },
		"answer.customer is an object": func(m map[string]any) { m["customer"] = map[string]any{"id": "cus_1"} },
	} {
		r := w.call("GET", "/v1/checkout/sessions/"+w.page(), "")
		spoil(r.body)
		faults := strings.Join(stripeSpec().faultsIn("answer", sc, r.body, false), "\n")
		if !strings.Contains(faults, name) {
			t.Errorf("not found: %s\nfound: %s", name, faults)
		}
	}
}
