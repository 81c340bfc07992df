package stripe

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"onebook/internal/fault"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// view is what the page shows.
type view struct {
	Shop, Amount, Description string
	Status                    string // open, complete, expired, unknown
	Processing                bool   // complete, but the debit has not arrived
	Returned                  bool   // complete, and the debit came back
	Declined                  string // why the last attempt failed
	Choices                   []choice
	Cancel                    string
}

// choice is one test card or account: what it looks like and what comes of it.
type choice struct {
	Value, Title, Text string
	Checked            bool
}

// The choices by method; the value is method and outcome.
var choices = map[string][]choice{
	"card": {
		{Value: "card " + Success, Title: "Visa •••• 4242", Text: "The payment succeeds"},
		{Value: "card " + Decline, Title: "Visa •••• 0002", Text: "The bank declines; you can try again"},
		{Value: "card " + DeclineThenSuccess, Title: "Visa •••• 0341", Text: "Declined at first, then paid with 4242"},
	},
	"us_bank_account": {
		{Value: "us_bank_account " + Processing, Title: "US bank account •••• 6789", Text: "The debit arrives after five days"},
		{Value: "us_bank_account " + Processing + " " + Failure, Title: "US bank account •••• 1116", Text: "The debit comes back after five days"},
		{Value: "us_bank_account " + Success, Title: "US bank account •••• 0000", Text: "The debit arrives at once"},
	},
	"sepa_debit": {
		{Value: "sepa_debit " + Processing, Title: "SEPA account •••• 3000", Text: "The debit arrives after five days"},
		{Value: "sepa_debit " + Processing + " " + Failure, Title: "SEPA account •••• 3002", Text: "The debit comes back after five days"},
		{Value: "sepa_debit " + Success, Title: "SEPA account •••• 3001", Text: "The debit arrives at once"},
	},
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin") // with less, browsers hide the origin of the form that is posted
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.showPage(w, r, "", http.StatusOK)
	case http.MethodPost:
		s.payByHand(w, r)
	default:
		h.Set("Allow", "GET, HEAD, POST")
		http.Error(w, "this page is read and posted to", http.StatusMethodNotAllowed)
	}
}

func (s *Server) payByHand(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if end := r.PostFormValue("end"); end != "" {
		s.endByHand(w, r, end == Success)
		return
	}
	method, rest, _ := strings.Cut(r.PostFormValue("with"), " ")
	outcome, then, _ := strings.Cut(rest, " ")
	// The client's browser may go away while webhooks are sent; the payment has happened all the same.
	got, err := s.Pay(context.WithoutCancel(r.Context()), r.URL.Path, PayRequest{Method: method, Outcome: outcome, Then: then})
	switch {
	case errors.Is(err, fault.NotFound):
		s.showPage(w, r, "", http.StatusNotFound)
	case errors.Is(err, fault.Unready):
		// A second click: who has paid goes where the first click led.
		s.again(w, r)
	case errors.Is(err, fault.Invalid):
		s.showPage(w, r, "Choose one of the test cards or accounts.", http.StatusUnprocessableEntity)
	case err != nil:
		http.Error(w, "The payment page has a problem: "+err.Error(), http.StatusInternalServerError)
	case got.Redirect != "":
		http.Redirect(w, r, got.Redirect, http.StatusSeeOther)
	default:
		// The page is asked for again, so that a reload does not pay again.
		http.Redirect(w, r, got.Session, http.StatusSeeOther)
	}
}

// endByHand ends the debit of a page whose money is on its way, days before it would end by itself.
func (s *Server) endByHand(w http.ResponseWriter, r *http.Request, arrived bool) {
	var cs session
	err := s.db.View(func(tx *bbolt.Tx) error { _, err := load(tx, sessionID(r.URL.Path), &cs); return err })
	if err == nil {
		err = s.Settle(context.WithoutCancel(r.Context()), cs.Intent, arrived)
	}
	if k := fault.KindOf(err); err != nil && k != fault.NotFound && k != fault.Unready {
		http.Error(w, "The payment page has a problem: "+err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, sessionID(r.URL.Path), http.StatusSeeOther) // a second click finds it ended
}

func (s *Server) again(w http.ResponseWriter, r *http.Request) {
	var cs session
	err := s.db.View(func(tx *bbolt.Tx) error { _, err := load(tx, sessionID(r.URL.Path), &cs); return err })
	if to := cs.result().Redirect; err == nil && to != "" {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	s.showPage(w, r, "", http.StatusConflict)
}

func (s *Server) showPage(w http.ResponseWriter, r *http.Request, trouble string, status int) {
	v, err := s.look(sessionID(r.URL.Path))
	if err != nil {
		http.Error(w, "The payment page has a problem: "+err.Error(), http.StatusInternalServerError)
		return
	}
	if v.Status == "unknown" {
		status = http.StatusNotFound
	}
	if trouble != "" {
		v.Declined = trouble
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, v); err != nil {
		http.Error(w, "The payment page has a problem: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}

func (s *Server) look(id string) (view, error) {
	v := view{Shop: s.Shop, Status: "unknown"}
	if err := s.expireDue(); err != nil {
		return v, err
	}
	err := s.db.View(func(tx *bbolt.Tx) error {
		var cs session
		var pi intent
		if ok, err := load(tx, id, &cs); err != nil || !ok {
			return err
		}
		if _, err := load(tx, cs.Intent, &pi); err != nil {
			return err
		}
		v.Status, v.Amount, v.Description = cs.Status, human(cs.Amount, cs.Currency), cs.description()
		v.Processing = cs.Status == "complete" && pi.Status == "processing"
		v.Returned = cs.Status == "complete" && pi.Decline != nil
		if pi.Decline != nil {
			v.Declined = pi.Decline.Message
		}
		if u, err := url.Parse(cs.CancelURL); err == nil && u.Host != "" {
			v.Cancel = cs.CancelURL
		}
		for _, m := range slices.Compact(slices.Clone(cs.Methods)) {
			v.Choices = append(v.Choices, choices[m]...)
		}
		if len(v.Choices) > 0 {
			v.Choices[0].Checked = true
		}
		return nil
	})
	return v, err
}
