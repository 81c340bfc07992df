package stripe

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"onebook/internal/fault"
)

// Prefix is where Routes puts the stand-in's API and controls.
const Prefix = "/_local/stripe"

// Routes puts the stand-in on the local program's mux:
//
//	/_local/stripe/v1/…             Stripe's API; stripe-go's address is <base>/_local/stripe
//	/pay/<session>                  the hosted page
//	POST /_local/stripe/pay         what a client does on the page: PayRequest with url
//	POST /_local/stripe/deliver     what the network does with webhooks: DeliverRequest
//	POST /_local/stripe/settle      {paymentIntent, arrived}: how a bank debit ends
//	POST /_local/stripe/webhooks    {on}: whether webhooks go out by themselves
//	GET  /_local/stripe             State
func (s *Server) Routes(mux *http.ServeMux) {
	mux.Handle(Prefix+"/v1/", http.StripPrefix(Prefix, s))
	mux.Handle("/pay/", s)
	mux.HandleFunc("POST "+Prefix+"/pay", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			URL string `json:"url"`
			PayRequest
		}
		control(w, r, &in, func() (any, error) { return s.Pay(r.Context(), in.URL, in.PayRequest) })
	})
	mux.HandleFunc("POST "+Prefix+"/deliver", func(w http.ResponseWriter, r *http.Request) {
		var in DeliverRequest
		control(w, r, &in, func() (any, error) { return s.Deliver(r.Context(), in) })
	})
	mux.HandleFunc("POST "+Prefix+"/settle", func(w http.ResponseWriter, r *http.Request) {
		in := struct {
			PaymentIntent string `json:"paymentIntent"`
			Arrived       bool   `json:"arrived"`
		}{Arrived: true}
		control(w, r, &in, func() (any, error) {
			return map[string]string{"paymentIntent": in.PaymentIntent}, s.Settle(r.Context(), in.PaymentIntent, in.Arrived)
		})
	})
	mux.HandleFunc("POST "+Prefix+"/webhooks", func(w http.ResponseWriter, r *http.Request) {
		in := struct {
			On bool `json:"on"`
		}{On: true}
		control(w, r, &in, func() (any, error) {
			if err := s.Webhooks(in.On); err != nil {
				return nil, err
			}
			return s.State()
		})
	})
	mux.HandleFunc("GET "+Prefix, func(w http.ResponseWriter, r *http.Request) {
		out, err := s.State()
		reply(w, out, err)
	})
}

func control(w http.ResponseWriter, r *http.Request, in any, do func() (any, error)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
	if err == nil {
		err = json.Unmarshal(body, in)
	}
	if err != nil {
		reply(w, nil, fault.Invalid.Errorf("the body cannot be read: %v", err))
		return
	}
	out, err := do()
	reply(w, out, err)
}

// reply writes the answer, or the fault as a problem.
func reply(w http.ResponseWriter, out any, err error) {
	status, kind := http.StatusOK, "application/json"
	if err != nil {
		status, kind = http.StatusInternalServerError, "application/problem+json"
		problem := map[string]any{"title": "the stand-in failed", "code": "internal", "detail": err.Error()}
		var f *fault.Error
		if errors.As(err, &f) {
			status = map[fault.Kind]int{fault.Invalid: 422, fault.NotFound: 404, fault.Unready: 409}[f.Kind]
			problem["title"], problem["code"], problem["errors"] = f.Kind.Error(), f.Code, f.Fields
		}
		problem["status"] = status
		out = problem
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // a client that left is told nothing more
}
