package api

import (
	"context"
	"time"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/catalog"
	"onebook/internal/civil"
	"onebook/internal/estimate"
	"onebook/internal/money"
	"onebook/internal/org"
	"onebook/internal/selling"
	"onebook/internal/store"
)

// Sales serves the catalog, deals, estimates and orders.
type Sales struct {
	Table   store.Table
	Records *activity.Records
	Org     *org.Service
	Catalog *catalog.Service
	Selling *selling.Service
	Billing *billing.Service
	PDFs    PDFs
}

func (s Sales) books() books { return books{table: s.Table, records: s.Records, org: s.Org} }

// Door opens it.
func (s Sales) Door() Door { return Door{Name: "sales", Routes: s.routes} }

func (s Sales) routes(r *Router) {
	Raw(r, Op{ID: "getEstimatePDF", Path: "/estimates/{id}/pdf", Also: []int{302}, Summary: "The way to the one PDF of a sent estimate.",
		About: "With Accept: application/json the address and its end; otherwise a redirect to it. 409 unready while the PDF is being made."},
		func(ctx context.Context, by activity.By, req *Request[pdfParam, None]) (Answer[fileView], error) {
			if _, err := estimate.Get(ctx, s.Table, req.Params.ID); err != nil {
				return Answer[fileView]{}, err
			}
			return fileAnswer(ctx, s.PDFs, by, req.Params.ID, req.Params.accept)
		})
	s.catalogRoutes(r)
	s.dealRoutes(r)
	s.estimateRoutes(r)
	s.deedRoutes(r)
	s.orderRoutes(r)
	s.books().history(r, "estimate", "/estimates", "es")
	s.books().history(r, "order", "/orders", "or")
	orgHistory(s.Records, r, Op{ID: "itemHistory", Path: "/catalog/items/{id}/history", Summary: "What was changed of an item, by whom, newest first."},
		func(p pageOfOne) (string, Page) { return p.ID, p.Page })
}

// ItemForm is what people edit of a catalog item.
type ItemForm struct {
	Name        string        `json:"name" minLength:"1" maxLength:"200"`
	Description string        `json:"description,omitempty" maxLength:"10000"`
	Unit        string        `json:"unit" enum:"hour,fixed,month,each"`
	UnitPrice   money.Decimal `json:"unitPrice" doc:"major units of currency"`
	Currency    string        `json:"currency" format:"currency"`
	TaxClass    string        `json:"taxClass" minLength:"1" maxLength:"40" doc:"as tax rules name it"`
}

type itemView struct {
	ID string `json:"id"`
	ItemForm
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Version   int64     `json:"version"`
}

func itemOf(i catalog.Item) itemView {
	return itemView{
		ID: i.ID, CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, Version: i.Version(),
		ItemForm: ItemForm{
			Name: i.Name, Description: i.Description, Unit: i.Unit, UnitPrice: i.UnitPrice, Currency: i.Currency, TaxClass: i.TaxClass,
		},
	}
}

func (s Sales) item(ctx context.Context, itemID string) (itemView, Tag, error) {
	i, err := s.Catalog.Get(ctx, itemID)
	return itemOf(i), Tag{Rev: i.Version()}, err
}

func (s Sales) catalogRoutes(r *Router) {
	Create(r, Op{ID: "createCatalogItem", Path: "/catalog/items", Summary: "A new service in the catalog."}, Deed[None, ItemForm, itemView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, ItemForm]) (string, error) {
			i, err := s.Catalog.Create(ctx, by, catalog.Input(req.Body))
			return i.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, ItemForm], itemID string) (itemView, Tag, error) {
			return s.item(ctx, itemID)
		},
	})
	List(r, Op{ID: "listCatalogItems", Path: "/catalog/items", Summary: "The catalog, newest first."},
		func(ctx context.Context, _ activity.By, req *Request[Page, None]) ([]itemView, string, error) {
			is, next, err := s.Catalog.List(ctx, req.Params.Limit, req.Params.Cursor)
			out := make([]itemView, 0, len(is))
			for _, i := range is {
				out = append(out, itemOf(i))
			}
			return out, next, err
		})
	Read(r, Op{ID: "getCatalogItem", Path: "/catalog/items/{id}", Summary: "One service of the catalog."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (itemView, Tag, error) {
			return s.item(ctx, req.Params.ID)
		})
	Patch(r, Op{ID: "editCatalogItem", Path: "/catalog/items/{id}", Summary: "Change it; what was offered or billed stays as it is."}, Change[idParam, ItemForm, itemView]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, ItemForm]) (ItemForm, Tag, error) {
			v, tag, err := s.item(ctx, req.Params.ID)
			return v.ItemForm, tag, err
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, ItemForm]) error {
			_, err := s.Catalog.Update(ctx, by, req.Params.ID, req.Rev, catalog.Input(req.Body))
			return err
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, ItemForm]) (itemView, Tag, error) {
			return s.item(ctx, req.Params.ID)
		},
	})
	Remove(r, Op{ID: "removeCatalogItem", Path: "/catalog/items/{id}", Summary: "Take it out of the catalog; what was offered or billed stays as it is."}, Removal[idParam]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (any, Tag, error) {
			return s.item(ctx, req.Params.ID)
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, None]) error {
			return s.Catalog.Remove(ctx, by, req.Params.ID, req.Rev)
		},
	})
}

// estimateForm is what people edit of an estimate.
type estimateForm struct {
	ContactID  string     `json:"contactId" maxLength:"60" doc:"whom it is for; it stays theirs"`
	DealID     string     `json:"dealId,omitempty" maxLength:"60" doc:"a deal of the same contact, which this estimate wins when it is accepted"`
	ValidUntil civil.Date `json:"validUntil,omitzero" doc:"last day it can be accepted; the organisation's usual time unless given"`
	Terms      *termsForm `json:"terms,omitempty" doc:"what the client agrees to with it; those of the settings, as they are when it is sent, unless given"`
	SaleForm
}

func (f estimateForm) input() selling.Input {
	in := selling.Input{ContactID: f.ContactID, DealID: f.DealID, ValidUntil: f.ValidUntil, Body: f.SaleForm.input()}
	if f.Terms != nil {
		in.Terms = (*org.Terms)(f.Terms)
	}
	return in
}

type answerView struct {
	Name   string    `json:"name,omitempty" doc:"who answered"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	Hash   string    `json:"hash,omitempty" doc:"SHA-256 of what was answered, choices and terms included"`
	Terms  string    `json:"terms,omitempty" doc:"version of the terms that were accepted with it"`
}

type estimateView struct {
	ID        string `json:"id"`
	Number    string `json:"number,omitempty" doc:"from its first sending on"`
	Status    string `json:"status" enum:"draft,sent,viewed,accepted,declined,expired,superseded,canceled,invoiced"`
	ContactID string `json:"contactId"`
	DealID    string `json:"dealId,omitempty"`
	SaleView
	ValidUntil civil.Date  `json:"validUntil,omitzero"`
	SentAt     *time.Time  `json:"sentAt,omitempty"`
	ViewedAt   *time.Time  `json:"viewedAt,omitempty"`
	Answer     *answerView `json:"answer,omitempty"`
	Terms      *termsForm  `json:"terms,omitempty" doc:"what the client agrees to with it"`
	Revision   int         `json:"revision" doc:"1, and one more with each version"`
	Revises    string      `json:"revises,omitempty" doc:"the version that this one replaces when it is sent"`
	RevisedBy  string      `json:"revisedBy,omitempty" doc:"the newer version, perhaps still a draft"`
	Reason     string      `json:"reason,omitempty" doc:"why it was canceled"`
	OrderID    string      `json:"orderId,omitempty"`
	InvoiceIDs []string    `json:"invoiceIds,omitempty"`
	CreatedAt  time.Time   `json:"createdAt"`
	UpdatedAt  time.Time   `json:"updatedAt"`
	Version    int64       `json:"version"`
}

func estimateOf(e estimate.Estimate, today civil.Date) estimateView {
	v := estimateView{
		ID: e.ID, Number: e.Number, Status: string(e.StateOn(today)), ContactID: e.ContactID, DealID: e.DealID, SaleView: viewOf(e.Body),
		ValidUntil: e.ValidUntil, SentAt: when(e.SentAt), ViewedAt: when(e.ViewedAt), OrderID: e.OrderID, InvoiceIDs: e.InvoiceIDs,
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, Version: e.Version(), Terms: termsOf(e.Conditions), Revision: max(e.Revision, 1),
		Revises: e.Revises, RevisedBy: e.RevisedBy, Reason: e.Reason,
	}
	if a := e.Answer; a != nil {
		v.Answer = &answerView{Name: a.Name, At: a.At, Reason: a.Reason, Hash: a.Hash, Terms: a.Terms}
	}
	return v
}

func (s Sales) estimate(ctx context.Context, estimateID string) (estimateView, Tag, error) {
	e, err := estimate.Get(ctx, s.Table, estimateID)
	if err != nil {
		return estimateView{}, Tag{}, err
	}
	today, err := s.books().today(ctx)
	if err != nil {
		return estimateView{}, Tag{}, err
	}
	tag, err := s.books().tag(ctx, e.ContactID, e.Version(), today)
	return estimateOf(e, today), tag, err
}

type estimateFilter struct {
	Page
	Status    string `query:"status" enum:"draft,sent,viewed,accepted,declined,expired,superseded,canceled,invoiced"`
	ContactID string `query:"contactId" maxLength:"60"`
}

func (s Sales) estimateRoutes(r *Router) {
	Create(r, Op{ID: "createEstimate", Path: "/estimates", Summary: "A draft with computed totals."}, Deed[None, estimateForm, estimateView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, estimateForm]) (string, error) {
			e, err := s.Selling.Create(ctx, by, req.Body.input())
			return e.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, estimateForm], estimateID string) (estimateView, Tag, error) {
			return s.estimate(ctx, estimateID)
		},
	})
	List(r, Op{ID: "listEstimates", Path: "/estimates", Summary: "Estimates, newest first."}, s.estimates)
	Read(r, Op{ID: "getEstimate", Path: "/estimates/{id}", Summary: "One estimate."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (estimateView, Tag, error) {
			return s.estimate(ctx, req.Params.ID)
		})
	Patch(r, Op{ID: "editEstimate", Path: "/estimates/{id}", Summary: "Change a draft."}, Change[idParam, estimateForm, estimateView]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, estimateForm]) (estimateForm, Tag, error) {
			e, err := estimate.Get(ctx, s.Table, req.Params.ID)
			f := estimateForm{ContactID: e.ContactID, DealID: e.DealID, ValidUntil: e.ValidUntil, Terms: termsOf(e.Conditions), SaleForm: formOf(e.Body)}
			return f, Tag{Rev: e.Version()}, err
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, estimateForm]) error {
			_, err := s.Selling.Update(ctx, by, req.Params.ID, req.Rev, req.Body.input())
			return err
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, estimateForm]) (estimateView, Tag, error) {
			return s.estimate(ctx, req.Params.ID)
		},
	})
	Remove(r, Op{ID: "removeEstimate", Path: "/estimates/{id}", Summary: "Throw a draft away."}, Removal[idParam]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (any, Tag, error) {
			return s.estimate(ctx, req.Params.ID)
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, None]) error {
			return s.Selling.Delete(ctx, by, req.Params.ID, req.Rev)
		},
	})
}

func (s Sales) estimates(ctx context.Context, _ activity.By, req *Request[estimateFilter, None]) ([]estimateView, string, error) {
	p := req.Params
	if err := ofContact(p.ContactID); err != nil {
		return nil, "", err
	}
	today, err := s.books().today(ctx)
	if err != nil {
		return nil, "", err
	}
	family, err := s.books().family(ctx, p.ContactID)
	if err != nil {
		return nil, "", err
	}
	es, next, err := estimate.List(ctx, s.Table, estimate.State(p.Status), family, p.Limit, p.Cursor)
	if err != nil {
		return nil, "", err
	}
	out := make([]estimateView, 0, len(es))
	for _, e := range es {
		// One whose last day has just passed still stands under its stored state.
		if v := estimateOf(e, today); p.Status == "" || v.Status == p.Status {
			out = append(out, v)
		}
	}
	return out, next, nil
}

type acceptance struct {
	Name    string   `json:"name" minLength:"1" maxLength:"200" doc:"who accepts, and the terms with it"`
	Choices []string `json:"choices,omitempty" maxItems:"1000" doc:"ids of the optional lines that are taken and of one line of each group; what is proposed unless given"`
}

type canceling struct {
	Reason string `json:"reason,omitempty" maxLength:"1000" doc:"kept in the history"`
}

type refusalForm struct {
	Name   string `json:"name,omitempty" maxLength:"200" doc:"who declines"`
	Reason string `json:"reason,omitempty" maxLength:"2000"`
}

type convertedView struct {
	OrderID    string   `json:"orderId"`
	InvoiceID  string   `json:"invoiceId" doc:"the first of invoiceIds"`
	InvoiceIDs []string `json:"invoiceIds"`
}

// deedOnEstimate is a deed after which the estimate is shown.
func deedOnEstimate[B any](s Sales, do func(ctx context.Context, by activity.By, estimateID string, body B) error) Deed[idParam, B, estimateView] {
	return Deed[idParam, B, estimateView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, B]) (string, error) {
			return req.Params.ID, do(ctx, by, req.Params.ID, req.Body)
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, B], estimateID string) (estimateView, Tag, error) {
			return s.estimate(ctx, estimateID)
		},
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, B]) (any, Tag, error) {
			return s.estimate(ctx, req.Params.ID)
		},
	}
}

func (s Sales) deedRoutes(r *Router) {
	Act(r, Op{ID: "sendEstimate", Path: "/estimates/{id}/send", Summary: "Number and freeze it, and mail the link; again, it mails the same offer again."},
		deedOnEstimate(s, func(ctx context.Context, by activity.By, estimateID string, _ None) error {
			_, err := s.Selling.Send(ctx, by, estimateID)
			return err
		}))
	Act(r, Op{ID: "acceptEstimate", Path: "/estimates/{id}/accept", Summary: "The client's yes, taken by a member.", About: "Exactly once; again, it answers what was accepted."},
		deedOnEstimate(s, func(ctx context.Context, by activity.By, estimateID string, b acceptance) error {
			_, err := s.Selling.Accept(ctx, by, estimateID, b.Name, b.Choices...)
			return err
		}))
	Act(r, Op{ID: "declineEstimate", Path: "/estimates/{id}/decline", Summary: "The client's no, taken by a member."},
		deedOnEstimate(s, func(ctx context.Context, by activity.By, estimateID string, b refusalForm) error {
			_, err := s.Selling.Decline(ctx, by, estimateID, b.Name, b.Reason)
			return err
		}))
	Act(r, Op{ID: "cancelEstimate", Path: "/estimates/{id}/cancel", Summary: "Take it back, unless an order was made of it or the client declined."},
		deedOnEstimate(s, func(ctx context.Context, by activity.By, estimateID string, b canceling) error {
			_, err := s.Selling.Cancel(ctx, by, estimateID, b.Reason)
			return err
		}))
	revise := deedOnEstimate[None](s, nil)
	revise.Do = func(ctx context.Context, by activity.By, req *Request[idParam, None]) (string, error) {
		e, err := s.Selling.Revise(ctx, by, req.Params.ID)
		return e.ID, err
	}
	Act(r, Op{ID: "reviseEstimate", Path: "/estimates/{id}/revise", Summary: "A draft of its next version, which replaces it once that is sent.",
		About: "Until then the offer stands. Again, it answers the same draft while there is one."}, revise)
	Act(r, Op{ID: "convertEstimate", Path: "/estimates/{id}/convert",
		Summary: "Make the order and the drafts of its invoices.",
		About: "One draft over the whole, lines and totals untouched; or one for the deposit and each milestone, which sum to the order to the cent. " +
			"Again, it answers the same ids; with another schedule it is 409 converted."},
		Deed[idParam, scheduleForm, convertedView]{
			Do: func(ctx context.Context, by activity.By, req *Request[idParam, scheduleForm]) (string, error) {
				_, err := s.Selling.Convert(ctx, by, req.Params.ID, req.Body.schedule())
				return req.Params.ID, err
			},
			Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, scheduleForm], estimateID string) (convertedView, Tag, error) {
				e, err := estimate.Get(ctx, s.Table, estimateID)
				v := convertedView{OrderID: e.OrderID, InvoiceIDs: e.InvoiceIDs}
				if len(v.InvoiceIDs) > 0 {
					v.InvoiceID = v.InvoiceIDs[0]
				}
				return v, Tag{}, err
			},
			Now: func(ctx context.Context, _ activity.By, req *Request[idParam, scheduleForm]) (any, Tag, error) {
				return s.estimate(ctx, req.Params.ID)
			},
		})
}
