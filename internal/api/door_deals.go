package api

import (
	"context"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/deal"
	"onebook/internal/org"
	"onebook/internal/sale"
)

// DealForm is what people edit of a deal.
type DealForm struct {
	ContactID       string     `json:"contactId" maxLength:"60" doc:"whose work it may be; it stays theirs"`
	Title           string     `json:"title" minLength:"1" maxLength:"200"`
	Stage           string     `json:"stage,omitempty" maxLength:"40" doc:"key of a stage of the settings; the first unless given"`
	Amount          *int64     `json:"amount,omitempty" minimum:"0" format:"minor" doc:"what it is thought to be worth; the total of the lines unless given"`
	Currency        string     `json:"currency,omitempty" format:"currency" doc:"ISO 4217; the organisation's unless given"`
	Probability     *int       `json:"probability,omitempty" minimum:"0" maximum:"100" doc:"per cent; that of the stage unless given"`
	ExpectedCloseOn civil.Date `json:"expectedCloseOn,omitzero"`
	OwnerID         string     `json:"ownerId,omitempty" maxLength:"60" doc:"a member; whoever opens it unless given"`
	Lines           []lineForm `json:"lines,omitempty" maxItems:"1000" doc:"what estimates are made of"`
}

func (f DealForm) input() deal.Input {
	return deal.Input{
		ContactID: f.ContactID, Title: f.Title, Stage: f.Stage, Amount: f.Amount, Currency: f.Currency, Probability: f.Probability,
		ExpectedCloseOn: f.ExpectedCloseOn, OwnerID: f.OwnerID, Lines: each(f.Lines, func(l lineForm) sale.LineInput { return sale.LineInput(l) }),
	}
}

func formOfDeal(d deal.Deal) DealForm {
	return DealForm{
		ContactID: d.ContactID, Title: d.Title, Stage: d.Stage, Amount: d.Amount, Currency: d.Currency, Probability: d.Probability,
		ExpectedCloseOn: d.ExpectedCloseOn, OwnerID: d.OwnerID, Lines: each(d.Lines, func(l sale.LineInput) lineForm { return lineForm(l) }),
	}
}

type dealMoney struct {
	Estimated int64 `json:"estimated" format:"minor" doc:"offers that wait or were accepted"`
	Agreed    int64 `json:"agreed" format:"minor" doc:"orders, and accepted estimates that are none yet"`
	Billed    int64 `json:"billed" format:"minor" doc:"issued less voided and credited"`
	Paid      int64 `json:"paid" format:"minor"`
	Due       int64 `json:"due" format:"minor"`
}

type dealView struct {
	ID    string `json:"id"`
	State string `json:"state" enum:"open,won,lost"`
	DealForm
	StageName  string     `json:"stageName" doc:"as the settings have it; the key of a stage that is gone"`
	StageSince time.Time  `json:"stageSince"`
	Chance     int        `json:"chance" doc:"per cent: its own probability or that of its stage; 100 when won, 0 when lost"`
	Reason     string     `json:"reason,omitempty" doc:"why it was lost"`
	EstimateID string     `json:"estimateId,omitempty" doc:"the accepted estimate that won it"`
	ClosedAt   *time.Time `json:"closedAt,omitempty"`
	Money      *dealMoney `json:"money,omitempty" doc:"what its documents come to, in its currency, with tax; absent in lists"`
	Mismatch   []string   `json:"mismatch,omitempty" doc:"where stage and money tell different stories, in plain words; absent in lists and when they agree"`
	CreatedAt  time.Time  `json:"createdAt"`
	UpdatedAt  time.Time  `json:"updatedAt"`
	Version    int64      `json:"version"`
}

func dealOf(d deal.Deal, set org.Settings) dealView {
	v := dealView{
		ID: d.ID, State: string(d.State), DealForm: formOfDeal(d), StageName: d.Stage, StageSince: d.StageSince, Reason: d.Reason,
		EstimateID: d.EstimateID, ClosedAt: when(d.ClosedAt), CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, Version: d.Version(),
	}
	if x, ok := set.Stage(d.Stage); ok {
		v.StageName, v.Chance = x.Name, x.Probability
	}
	switch {
	case d.State == deal.Won:
		v.Chance = 100
	case d.State == deal.Lost:
		v.Chance = 0
	case d.Probability != nil:
		v.Chance = *d.Probability
	}
	return v
}

func (s Sales) deal(ctx context.Context, dealID string) (dealView, Tag, error) {
	d, err := deal.Get(ctx, s.Table, dealID)
	if err != nil {
		return dealView{}, Tag{}, err
	}
	set, err := s.Org.Get(ctx)
	if err != nil {
		return dealView{}, Tag{}, err
	}
	st, err := s.Selling.Standing(ctx, d)
	if err != nil {
		return dealView{}, Tag{}, err
	}
	v := dealOf(d, set)
	money := dealMoney(st.Money)
	v.Money, v.Mismatch = &money, st.Mismatch
	tag, err := s.books().tag(ctx, d.ContactID, d.Version(), civil.Date{})
	return v, tag, err
}

type dealFilter struct {
	Page
	State     string `query:"state" enum:"open,won,lost"`
	Stage     string `query:"stage" maxLength:"40" doc:"key of a stage"`
	OwnerID   string `query:"ownerId" maxLength:"60"`
	ContactID string `query:"contactId" maxLength:"60"`
}

func (s Sales) deals(ctx context.Context, _ activity.By, req *Request[dealFilter, None]) ([]dealView, string, error) {
	p := req.Params
	if err := ofContact(p.ContactID); err != nil {
		return nil, "", err
	}
	set, err := s.Org.Get(ctx)
	if err != nil {
		return nil, "", err
	}
	family, err := s.books().family(ctx, p.ContactID)
	if err != nil {
		return nil, "", err
	}
	f := deal.Filter{State: deal.State(p.State), Stage: p.Stage, OwnerID: p.OwnerID, Contacts: family}
	ds, next, err := deal.List(ctx, s.Table, f, p.Limit, p.Cursor)
	out := make([]dealView, 0, len(ds))
	for _, d := range ds {
		out = append(out, dealOf(d, set))
	}
	return out, next, err
}

// deedOnDeal is a deed after which the deal is shown.
func deedOnDeal[B any](s Sales, do func(ctx context.Context, by activity.By, dealID string, body B) error) Deed[idParam, B, dealView] {
	return Deed[idParam, B, dealView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, B]) (string, error) {
			return req.Params.ID, do(ctx, by, req.Params.ID, req.Body)
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, B], dealID string) (dealView, Tag, error) {
			return s.deal(ctx, dealID)
		},
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, B]) (any, Tag, error) {
			return s.deal(ctx, req.Params.ID)
		},
	}
}

type losing struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"kept with the deal"`
}

func (s Sales) dealRoutes(r *Router) {
	Create(r, Op{ID: "createDeal", Path: "/deals", Summary: "Open a deal."}, Deed[None, DealForm, dealView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, DealForm]) (string, error) {
			d, err := s.Selling.CreateDeal(ctx, by, req.Body.input())
			return d.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, DealForm], dealID string) (dealView, Tag, error) {
			return s.deal(ctx, dealID)
		},
	})
	List(r, Op{ID: "listDeals", Path: "/deals", Summary: "Deals, newest first."}, s.deals)
	Read(r, Op{ID: "getDeal", Path: "/deals/{id}", Summary: "One deal, with its money beside its stage."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (dealView, Tag, error) {
			return s.deal(ctx, req.Params.ID)
		})
	Patch(r, Op{ID: "editDeal", Path: "/deals/{id}", Summary: "Change a deal, or move it to another stage."}, Change[idParam, DealForm, dealView]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, DealForm]) (DealForm, Tag, error) {
			d, err := deal.Get(ctx, s.Table, req.Params.ID)
			return formOfDeal(d), Tag{Rev: d.Version()}, err
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, DealForm]) error {
			_, err := s.Selling.UpdateDeal(ctx, by, req.Params.ID, req.Rev, req.Body.input())
			return err
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, DealForm]) (dealView, Tag, error) {
			return s.deal(ctx, req.Params.ID)
		},
	})
	Act(r, Op{ID: "winDeal", Path: "/deals/{id}/won", Summary: "It is won; an accepted estimate wins it by itself."},
		deedOnDeal(s, func(ctx context.Context, by activity.By, dealID string, _ None) error {
			_, err := s.Selling.WinDeal(ctx, by, dealID)
			return err
		}))
	Act(r, Op{ID: "loseDeal", Path: "/deals/{id}/lost", Summary: "It is lost, for a reason."},
		deedOnDeal(s, func(ctx context.Context, by activity.By, dealID string, b losing) error {
			_, err := s.Selling.LoseDeal(ctx, by, dealID, b.Reason)
			return err
		}))
	Act(r, Op{ID: "reopenDeal", Path: "/deals/{id}/reopen", Summary: "Take its end back, unless an invoice of a won deal is issued."},
		deedOnDeal(s, func(ctx context.Context, by activity.By, dealID string, _ None) error {
			_, err := s.Selling.ReopenDeal(ctx, by, dealID)
			return err
		}))
	Create(r, Op{ID: "offerDeal", Path: "/deals/{id}/estimates", Summary: "Draft an estimate from its lines."}, Deed[idParam, None, estimateView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, None]) (string, error) {
			e, err := s.Selling.OfferDeal(ctx, by, req.Params.ID)
			return e.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, None], estimateID string) (estimateView, Tag, error) {
			return s.estimate(ctx, estimateID)
		},
	})
}
