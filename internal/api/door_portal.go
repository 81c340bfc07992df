package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/checkout"
	"onebook/internal/civil"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/sale"
	"onebook/internal/selling"
	"onebook/internal/store"
)

// Portal serves clients, who have a link and no account. A link opens its own document and nothing else.
type Portal struct {
	Table    store.Table
	Records  *activity.Records
	Org      *org.Service
	Links    *link.Service
	Selling  *selling.Service
	Billing  *billing.Service
	Checkout *checkout.Service
	PDFs     PDFs
	Base     string       // the site's address, without a slash at the end
	Log      *slog.Logger // of what strangers may not be shown; slog.Default when nil
}

func (s Portal) books() books { return books{table: s.Table, records: s.Records, org: s.Org} }

// Door opens it.
func (s Portal) Door() Door { return Door{Name: "portal", Routes: s.routes} }

type refParam struct {
	Ref string `path:"ref" doc:"of an opened link"`
}

type tokenForm struct {
	Token string `json:"token" maxLength:"200" doc:"what stands behind # in the link"`
}

type openedView struct {
	Ref       string    `json:"ref"`
	Kind      string    `json:"kind" enum:"estimate,invoice"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// renewedView says nothing, whatever happened.
type renewedView struct{}

type partyView struct {
	Name    string   `json:"name"`
	Company string   `json:"company,omitempty"`
	Address []string `json:"address" doc:"lines as on an envelope"`
	TaxID   string   `json:"taxId,omitempty"`
	Email   string   `json:"email,omitempty"`
	Phone   string   `json:"phone,omitempty"`
	Website string   `json:"website,omitempty"`
}

func partyOf(p sale.Party) partyView {
	v := partyView(p)
	if v.Address == nil {
		v.Address = []string{}
	}
	return v
}

type lookView struct {
	Accent string `json:"accent" doc:"colour, #rrggbb"`
	Footer string `json:"footer,omitempty"`
	Terms  string `json:"terms,omitempty"`
}

type receivedView struct {
	Amount     int64      `json:"amount" format:"minor"`
	Method     string     `json:"method"`
	ReceivedOn civil.Date `json:"receivedOn,omitzero"`
}

// publicView is an estimate or invoice as its client may see it.
type publicView struct {
	Kind     string    `json:"kind" enum:"estimate,invoice"`
	Number   string    `json:"number"`
	Status   string    `json:"status" doc:"of an estimate: sent, viewed, accepted, declined, expired, superseded, canceled; of an invoice: open, paid, void"`
	Display  string    `json:"display" doc:"the word for people: open, accepted, declined, expired, superseded, canceled, paying, due, overdue, partially paid, paid, credited, void"`
	Locale   string    `json:"locale"`
	TimeZone string    `json:"timeZone" doc:"of its dates"`
	Seller   partyView `json:"seller"`
	Client   partyView `json:"client"`
	Look     lookView  `json:"look"`
	SaleView

	ValidUntil civil.Date `json:"validUntil,omitzero"`
	CanAccept  bool       `json:"canAccept"`
	Terms      *termsForm `json:"terms,omitempty" doc:"of an estimate: what is agreed to by accepting it"`
	AcceptedBy string     `json:"acceptedBy,omitempty"`
	AnsweredAt *time.Time `json:"answeredAt,omitempty"`

	IssuedOn civil.Date     `json:"issuedOn,omitzero"`
	DueOn    civil.Date     `json:"dueOn,omitzero"`
	Paid     int64          `json:"paid" format:"minor"`
	Credited int64          `json:"credited" format:"minor"`
	Due      int64          `json:"due" format:"minor"`
	CanPay   bool           `json:"canPay"`
	Paying   int64          `json:"paying,omitempty" format:"minor" doc:"is on its way and has not arrived"`
	Methods  []string       `json:"methods,omitempty" doc:"that it can be paid by online; absent when it cannot"`
	Payments []receivedView `json:"payments" doc:"what was received for it"`
	PDFReady bool           `json:"pdfReady"`
	Transfer *transferView  `json:"transfer,omitempty" doc:"how to pay what is due by bank"`
}

// transferView has the fields of sale.Transfer.
type transferView struct {
	Holder    string `json:"holder"`
	IBAN      string `json:"iban"`
	BIC       string `json:"bic,omitempty"`
	Bank      string `json:"bank,omitempty"`
	Reference string `json:"reference" doc:"what to quote"`
	EPC       string `json:"epc,omitempty" doc:"what the QR code for a banking app holds (EPC069-12); of euros"`
}

// publicSale is the content of a document without the organisation's own names for things.
func publicSale(b sale.Body) SaleView {
	v := viewOf(b)
	v.LocationID = ""
	for n := range v.Lines {
		v.Lines[n].ItemID, v.Lines[n].TaxClass, v.Lines[n].Part = "", "", nil
	}
	return v
}

type choiceForm struct {
	Choices []string `json:"choices" maxItems:"1000" doc:"ids of the optional lines that are taken and of one line of each group"`
}

func publicOf(kind, number string, b sale.Body, f *sale.Frozen) publicView {
	v := publicView{Kind: kind, Number: number, SaleView: publicSale(b), Payments: []receivedView{}}
	if f != nil {
		v.Locale, v.TimeZone, v.Seller, v.Client = f.Locale, f.Look.TimeZone, partyOf(f.Seller), partyOf(f.Client)
		v.Look = lookView{Accent: f.Look.Accent, Footer: f.Look.Footer, Terms: f.Look.Terms}
	}
	return v
}

// document is what a reference opens. Whatever is wrong is the one NotFound.
func (s Portal) document(ctx context.Context, ref string) (publicView, Tag, error) {
	l, err := s.Links.ByRef(ctx, ref)
	if err != nil {
		return publicView{}, Tag{}, err
	}
	today, err := s.books().today(ctx)
	if err != nil {
		return publicView{}, Tag{}, err
	}
	if l.Scope == link.Estimate {
		return s.estimate(ctx, l, today)
	}
	return s.invoice(ctx, l, today)
}

func (s Portal) estimate(ctx context.Context, l link.Link, today civil.Date) (publicView, Tag, error) {
	e, err := estimate.Get(ctx, s.Table, l.Document)
	if err != nil {
		return publicView{}, Tag{}, err
	}
	state := e.StateOn(today)
	v := publicOf("estimate", e.Number, e.Body, e.Frozen)
	v.Status, v.Display, v.IssuedOn, v.ValidUntil = string(state), string(state), e.IssuedOn, e.ValidUntil
	v.Terms = termsOf(e.Conditions)
	tr, err := estimate.GetTrack(ctx, s.Table, e)
	if err != nil {
		return publicView{}, Tag{}, err
	}
	v.PDFReady = tr.PDF != nil
	switch state {
	case estimate.Sent, estimate.Viewed:
		v.CanAccept, v.Display = true, "open"
	case estimate.Invoiced:
		v.Status, v.Display = "accepted", "accepted"
	}
	if a := e.Answer; a != nil {
		v.AnsweredAt = when(a.At)
		if v.Status == "accepted" {
			v.AcceptedBy = a.Name
		}
	}
	return v, Tag{Rev: e.Version()}, nil
}

func (s Portal) invoice(ctx context.Context, l link.Link, today civil.Date) (publicView, Tag, error) {
	i, err := invoice.Get(ctx, s.Table, l.Document)
	if err != nil {
		return publicView{}, Tag{}, err
	}
	tr, err := invoice.GetTrack(ctx, s.Table, i)
	if err != nil {
		return publicView{}, Tag{}, err
	}
	v := publicOf("invoice", i.Number, i.Body, i.Frozen)
	v.IssuedOn, v.DueOn, v.Paid, v.Credited, v.Due, v.PDFReady = i.IssuedOn, i.NextDue(), i.Paid, i.Credited, i.Owed(), tr.PDF != nil
	paying, err := s.payments(ctx, i, &v)
	if err != nil {
		return publicView{}, Tag{}, err
	}
	v.Status, v.Display, v.Paying = string(i.State), i.Display(today, invoice.Track{Paying: tr.Paying}), paying
	v.CanPay = i.State == invoice.Open && i.Due() > paying
	if v.CanPay {
		if v.Methods, err = s.Checkout.Methods(ctx, i); err != nil {
			return publicView{}, Tag{}, err
		}
	}
	if v.CanPay || i.State == invoice.Uncollectible {
		v.Transfer = (*transferView)(i.Frozen.Transfer(i.Number, i.Due()-paying, i.Body.Currency))
	}
	switch {
	case i.State == invoice.Uncollectible: // a word of the books, which says nothing to a client
		v.Status, v.Display = "open", "due"
	case v.Display == "sent" || v.Display == "issued":
		v.Display = "due"
	}
	return v, Tag{Rev: i.Version()}, nil
}

// payments notes what was received for an invoice, and answers how much more is on its way.
func (s Portal) payments(ctx context.Context, i invoice.Invoice, v *publicView) (paying int64, err error) {
	for cursor := ""; ; {
		var ps []payment.Payment
		if ps, cursor, err = payment.OfContact(ctx, s.Table, i.ContactID, 200, cursor); err != nil {
			return 0, err
		}
		for _, p := range ps {
			if p.Paying(i.ID) {
				paying += p.Amount
			}
			for _, a := range p.Allocations {
				if a.InvoiceID == i.ID && p.State != payment.Voided {
					v.Payments = append(v.Payments, receivedView{Amount: a.Amount, Method: p.Method, ReceivedOn: p.ReceivedOn})
				}
			}
		}
		if cursor == "" {
			return paying, nil
		}
	}
}

type pageForm struct {
	Amount int64  `json:"amount,omitempty" minimum:"1" format:"minor" doc:"all that is due, less what is on its way, unless given"`
	Method string `json:"method,omitempty" enum:"card,us_bank_account,sepa_debit" doc:"the one that the page is to offer; all of methods unless given"`
}

// deedOnDocument is a deed of a client on the document of a link of this scope.
func deedOnDocument[B any](s Portal, scope string, do func(ctx context.Context, by activity.By, documentID string, body B) error) Deed[refParam, B, publicView] {
	return Deed[refParam, B, publicView]{
		Do: func(ctx context.Context, by activity.By, req *Request[refParam, B]) (string, error) {
			l, err := s.opened(ctx, req.Params.Ref, scope)
			if err != nil {
				return "", err
			}
			return l.Document, do(ctx, by, l.Document, req.Body)
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[refParam, B], _ string) (publicView, Tag, error) {
			v, _, err := s.document(ctx, req.Params.Ref)
			return v, Tag{}, err
		},
		Now: func(ctx context.Context, _ activity.By, req *Request[refParam, B]) (any, Tag, error) {
			return s.document(ctx, req.Params.Ref)
		},
	}
}

// opened is the link behind a reference; one of another scope does not lead here.
func (s Portal) opened(ctx context.Context, ref, scope string) (link.Link, error) {
	l, err := s.Links.ByRef(ctx, ref)
	if err == nil && scope != "" && l.Scope != scope {
		err = link.ErrUnknown
	}
	return l, err
}

func (s Portal) routes(r *Router) {
	Compute(r, Op{ID: "openLink", Path: "/public/open", Public: true, Summary: "Exchange a link's token for a short-lived reference."},
		func(ctx context.Context, _ activity.By, req *Request[None, tokenForm]) (openedView, error) {
			ref, err := s.Links.Open(ctx, req.Body.Token)
			return openedView{Ref: ref.Ref, Kind: ref.Link.Scope, ExpiresAt: ref.ExpiresAt}, err
		})
	Compute(r, Op{ID: "renewLink", Path: "/public/links/renew", Public: true, Status: http.StatusAccepted, Summary: "Mail a link again, to the address on record.",
		About: "Always 202, whether or not there is such a link; at most one letter in ten minutes."}, s.renew)
	Read(r, Op{ID: "getPublicDocument", Path: "/public/documents/{ref}", Public: true, Summary: "The document as its client may see it."},
		func(ctx context.Context, _ activity.By, req *Request[refParam, None]) (publicView, Tag, error) {
			// What is shown changes with payments and days as well as with the document, so the tag is over all of it.
			v, _, err := s.document(ctx, req.Params.Ref)
			return v, Tag{}, err
		})
	Act(r, Op{ID: "viewPublicDocument", Path: "/public/documents/{ref}/view", Public: true, Summary: "A person has opened it."},
		Deed[refParam, None, publicView]{
			Do: func(ctx context.Context, by activity.By, req *Request[refParam, None]) (string, error) {
				l, err := s.opened(ctx, req.Params.Ref, "")
				switch {
				case err != nil:
					return "", err
				case l.Scope == link.Estimate:
					return l.Document, s.Selling.View(ctx, by, l.Document)
				}
				return l.Document, s.Billing.View(ctx, by, l.Document)
			},
			Show: func(ctx context.Context, _ activity.By, req *Request[refParam, None], _ string) (publicView, Tag, error) {
				v, _, err := s.document(ctx, req.Params.Ref)
				return v, Tag{}, err
			},
		})
	Act(r, Op{ID: "acceptPublicEstimate", Path: "/public/documents/{ref}/accept", Public: true, Summary: "Accept an estimate; again, it answers what was accepted."},
		deedOnDocument(s, link.Estimate, func(ctx context.Context, by activity.By, documentID string, b acceptance) error {
			_, err := s.Selling.Accept(ctx, by, documentID, b.Name, b.Choices...)
			return err
		}))
	Compute(r, Op{ID: "choosePublicEstimate", Path: "/public/documents/{ref}/totals", Public: true, Summary: "What an estimate comes to with these choices. Nothing is stored."},
		func(ctx context.Context, _ activity.By, req *Request[refParam, choiceForm]) (publicView, error) {
			l, err := s.opened(ctx, req.Params.Ref, link.Estimate)
			if err != nil {
				return publicView{}, err
			}
			body, err := s.Selling.Sums(ctx, l.Document, req.Body.Choices)
			if err != nil {
				return publicView{}, err
			}
			v, _, err := s.document(ctx, req.Params.Ref)
			v.SaleView = publicSale(body)
			return v, err
		})
	Act(r, Op{ID: "declinePublicEstimate", Path: "/public/documents/{ref}/decline", Public: true, Summary: "Decline an estimate."},
		deedOnDocument(s, link.Estimate, func(ctx context.Context, by activity.By, documentID string, b refusalForm) error {
			_, err := s.Selling.Decline(ctx, by, documentID, b.Name, b.Reason)
			return err
		}))
	s.moneyRoutes(r)
}

func (s Portal) moneyRoutes(r *Router) {
	start := func(ctx context.Context, by activity.By, req *Request[refParam, pageForm]) (checkout.Page, error) {
		l, err := s.opened(ctx, req.Params.Ref, link.Invoice)
		if err != nil {
			return checkout.Page{}, err
		}
		return s.Checkout.Start(ctx, by, l.Document, checkout.Ask{Amount: req.Body.Amount, Method: req.Body.Method})
	}
	Act(r, Op{ID: "checkout", Path: "/public/documents/{ref}/checkout", Public: true, Summary: "The hosted page to pay an invoice on.",
		About: "The same amount and method again answers the page that is open already. Five pages of one invoice may be open; one more closes the oldest. 409 paying when a payment of the whole is under way; 422 amount_not_payable_online when the provider cannot take the amount."}, Deed[refParam, pageForm, urlView]{
		Do: func(ctx context.Context, by activity.By, req *Request[refParam, pageForm]) (string, error) {
			page, err := start(ctx, by, req)
			return page.PaymentID, err
		},
		Show: func(ctx context.Context, by activity.By, req *Request[refParam, pageForm], paymentID string) (urlView, Tag, error) {
			p, err := payment.Get(ctx, s.Table, paymentID)
			if err != nil {
				return urlView{}, Tag{}, err
			}
			if p.Online != nil && p.Online.URL != "" {
				return urlView{URL: p.Online.URL}, Tag{}, nil
			}
			// The attempt was recorded but the provider's answer was lost: asking again goes on with it.
			by.Once = nil // its record was written with the attempt
			page, err := start(ctx, by, req)
			return urlView{URL: page.URL}, Tag{}, err
		},
	})
	type pdfOfRef struct {
		refParam
		accept
	}
	Raw(r, Op{ID: "getPublicPDF", Path: "/public/documents/{ref}/pdf", Public: true, Also: []int{302}, Summary: "The way to the document's PDF.",
		About: "With Accept: application/json the address and its end; otherwise a redirect to it."},
		func(ctx context.Context, by activity.By, req *Request[pdfOfRef, None]) (Answer[fileView], error) {
			l, err := s.opened(ctx, req.Params.Ref, "")
			if err != nil {
				return Answer[fileView]{}, err
			}
			return fileAnswer(ctx, s.PDFs, by, l.Document, req.Params.accept)
		})
	type returning struct {
		Session string `query:"session" doc:"the provider's id of the payment page"`
	}
	Raw(r, Op{ID: "returnFromCheckout", Path: "/public/return", Public: true, Status: http.StatusSeeOther, Summary: "Where the provider sends the client back.",
		About: "Always the way to /i/, whatever became of the payment and whether or not there is such a session."},
		func(ctx context.Context, _ activity.By, req *Request[returning, None]) (Answer[None], error) {
			if err := s.settle(ctx, req.Params.Session); err != nil {
				s.hide(ctx, "return page: outcome not recorded", err)
			}
			return Answer[None]{Location: s.Base + "/i/"}, nil
		})
}

// The length is checked apart, because a counted repetition is written out when it is compiled, at every start.
var sessionForm = regexp.MustCompile(`^cs_[A-Za-z0-9_]+$`)

const maxSession = 193

// settle records what became of a payment page. Strangers' ids end before they cost a call to the provider.
func (s Portal) settle(ctx context.Context, session string) error {
	if len(session) > maxSession || !sessionForm.MatchString(session) {
		return nil
	}
	if _, err := payment.OfSession(ctx, s.Table, session); fault.KindOf(err) == fault.NotFound {
		return nil
	} else if err != nil {
		return err
	}
	return s.Checkout.Return(ctx, member.Automaton(member.Puller), session)
}

// renew mails a link again, to the address on record. It tells nobody whether there is such a link.
func (s Portal) renew(ctx context.Context, _ activity.By, req *Request[None, tokenForm]) (renewedView, error) {
	l, err := s.Links.ResolveExpired(ctx, req.Body.Token)
	if err == nil {
		by := activity.By{Kind: activity.Client, ID: l.ID, Name: "Client"}
		if l.Scope == link.Estimate {
			err = s.Selling.Renew(ctx, by, l)
		} else {
			err = s.Billing.Renew(ctx, by, l)
		}
	}
	if err != nil && !errors.Is(err, link.ErrRenewed) && fault.KindOf(err) != fault.NotFound {
		s.hide(ctx, "link not mailed again", err)
	}
	return renewedView{}, nil
}

// hide writes to the log what a stranger may not be shown.
func (s Portal) hide(ctx context.Context, msg string, err error) {
	l := s.Log
	if l == nil {
		l = slog.Default()
	}
	l.LogAttrs(ctx, slog.LevelError, msg, slog.String("error", veil(err.Error())))
}
