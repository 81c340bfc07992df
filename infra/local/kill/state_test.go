package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"onebook/infra/local/drive"
)

// stateOf is everything that a life has left behind, as far as the API, the mailbox and the provider tell, with the names
// of things and moments made the same for every run.
func stateOf(t *testing.T, l *life) map[string]any {
	t.Helper()
	out := map[string]any{}
	read := func(name, path string, bearer string) any {
		t.Helper()
		var v any
		if _, err := l.Do(t.Context(), drive.Call{Method: http.MethodGet, Path: path, Bearer: bearer}, &v); err != nil {
			t.Fatal(err)
		}
		out[name] = v
		return v
	}
	read("contact", "/v1/contacts/"+l.contact, "")
	read("estimate", "/v1/estimates/"+l.estimate, "")
	read("order", "/v1/orders/"+l.order, "")
	read("invoice", "/v1/invoices/"+l.invoice, "")
	payments := read("payments", "/v1/payments?contactId="+l.contact, "")
	read("documents", "/v1/contacts/"+l.contact+"/documents", "")
	read("issues", "/v1/issues", "")
	read("audit", "/v1/audit/verify?contactId="+l.contact, "")
	for n, p := range payments.(map[string]any)["items"].([]any) {
		if intent := text(p.(map[string]any), "paymentIntent"); intent != "" {
			read(fmt.Sprintf("intent %d", n), "/_local/stripe/v1/payment_intents/"+intent, standIn)
		}
	}
	events, err := drive.List[any](t.Context(), l.Client, "/v1/contacts/"+l.contact+"/timeline")
	if err != nil {
		t.Fatal(err)
	}
	mails, err := mailsTo(t.Context(), l.Client, "")
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(events) // the oldest first: the names of things are given in that order
	out["timeline"], out["mails"] = events, mails
	return normal(t, l, out)
}

// What differs between any two runs: moments, names of things, tokens, digests, the length of a PDF with its own link.
var (
	moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	digest = regexp.MustCompile(`"[0-9a-f]{64}"|"bytes":\d+|"created":\d+`)
	token  = regexp.MustCompile(`1\.lk_[A-Za-z0-9]+\.[A-Za-z0-9_-]+`)
	named  = regexp.MustCompile(`\b(ct|es|or|in|py|ef|ev|ln|lk|is|mb|pi|ch|pm|cus|cs|txn|req)_[A-Za-z0-9_]+`)
	post   = regexp.MustCompile(`0100[0-9a-f]{12}-[0-9a-f-]+-000000`)
	secret = regexp.MustCompile(`<pi>_secret_[A-Za-z0-9]+`)
)

func normal(t *testing.T, l *life, v map[string]any) map[string]any {
	t.Helper()
	// Letters and entries that come at one moment have no order that anybody promised.
	v["timeline"] = sortedJSON(t, l, v["timeline"])
	v["mails"] = sortedJSON(t, l, v["mails"])
	var out map[string]any
	if err := json.Unmarshal([]byte(plainly(t, l, v)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// plainly is a value as JSON without what differs between any two runs. The things of the life itself keep apart what
// they are.
func plainly(t *testing.T, l *life, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	for id, name := range map[string]string{l.contact: "<contact>", l.estimate: "<estimate>", l.order: "<order>", l.invoice: "<invoice>", l.Base: "<site>"} {
		s = strings.ReplaceAll(s, id, name)
	}
	s = token.ReplaceAllString(s, "<token>")
	s = moment.ReplaceAllString(s, "<moment>")
	s = digest.ReplaceAllStringFunc(s, func(d string) string {
		if name, _, ok := strings.Cut(d, ":"); ok {
			return name + `:"<n>"`
		}
		return `"<digest>"`
	})
	s = post.ReplaceAllString(s, "<message>")
	s = named.ReplaceAllString(s, "<$1>")
	return secret.ReplaceAllString(s, "<secret>")
}

func sortedJSON(t *testing.T, l *life, v any) []string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, raw := range all {
		out = append(out, plainly(t, l, raw))
	}
	slices.Sort(out)
	return out
}

// flat is every field of a value by its path.
func flat(at string, v any) map[string]string {
	out := map[string]string{}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			for p, y := range flat(at+"."+k, x) {
				out[p] = y
			}
		}
	case []any:
		for n, x := range v {
			for p, y := range flat(fmt.Sprintf("%s[%d]", at, n), x) {
				out[p] = y
			}
		}
	default:
		out[at] = plain(v)
	}
	return out
}
