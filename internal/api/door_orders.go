package api

import (
	"context"
	"time"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/civil"
	"onebook/internal/money"
	"onebook/internal/order"
)

// PortionForm is a percent or an amount of an order.
type PortionForm struct {
	Percent money.Decimal `json:"percent,omitzero" doc:"of the order's total, with tax; instead of amount"`
	Amount  int64         `json:"amount,omitempty" format:"minor" doc:"with tax; instead of percent"`
}

type milestoneForm struct {
	Name string `json:"name" minLength:"1" maxLength:"200"`
	PortionForm
	DueOn civil.Date `json:"dueOn,omitzero" doc:"last day to pay its invoice on time"`
}

// scheduleForm is how an order is to be billed before it is done.
type scheduleForm struct {
	Deposit    *PortionForm    `json:"deposit,omitempty"`
	Milestones []milestoneForm `json:"milestones,omitempty" maxItems:"20" doc:"after the deposit, where there is one; percents that sum to a hundred come to the total"`
}

func (f scheduleForm) schedule() order.Schedule {
	var s order.Schedule
	if f.Deposit != nil {
		p := order.Portion(*f.Deposit)
		s.Deposit = &p
	}
	for _, m := range f.Milestones {
		s.Milestones = append(s.Milestones, order.MilestoneIn{Name: m.Name, DueOn: m.DueOn, Portion: order.Portion(m.PortionForm)})
	}
	return s
}

type orderFilter struct {
	Page
	State string `query:"state" enum:"open,billed,canceled"`
}

type milestoneView struct {
	Name      string     `json:"name"`
	Amount    int64      `json:"amount" format:"minor"`
	DueOn     civil.Date `json:"dueOn,omitzero"`
	InvoiceID string     `json:"invoiceId,omitempty" doc:"the one that bills it; absent when it is to be billed, anew after a void"`
}

type orderView struct {
	ID         string `json:"id"`
	State      string `json:"state" enum:"open,billed,canceled"`
	ContactID  string `json:"contactId"`
	EstimateID string `json:"estimateId,omitempty"`
	DealID     string `json:"dealId,omitempty"`
	Title      string `json:"title,omitempty"`
	SaleView
	Billed         int64           `json:"billed" format:"minor" doc:"issued less voided or credited"`
	Remaining      int64           `json:"remaining" format:"minor" doc:"to be billed; nothing of a canceled order"`
	Deposit        int64           `json:"deposit,omitempty" format:"minor" doc:"as agreed when the order was made"`
	Milestones     []milestoneView `json:"milestones"`
	InvoiceIDs     []string        `json:"invoiceIds" doc:"all that bill it, and those that were voided"`
	FinalInvoiceID string          `json:"finalInvoiceId,omitempty" doc:"the one that takes the advances off"`
	CancelReason   string          `json:"cancelReason,omitempty"`
	CreatedAt      time.Time       `json:"createdAt"`
	Version        int64           `json:"version"`
}

func orderOf(o order.Order) orderView {
	v := orderView{
		ID: o.ID, State: string(o.State), ContactID: o.ContactID, EstimateID: o.EstimateID, DealID: o.DealID, Title: o.Title, SaleView: viewOf(o.Body),
		Billed: o.Billed, Remaining: o.Remaining(), Deposit: o.Deposit, InvoiceIDs: o.Invoices, FinalInvoiceID: o.FinalID,
		CancelReason: o.CancelReason, CreatedAt: o.CreatedAt, Version: o.Version(),
		Milestones: each(o.Milestones, func(m order.Milestone) milestoneView { return milestoneView(m) }),
	}
	if v.InvoiceIDs == nil {
		v.InvoiceIDs = []string{}
	}
	if v.Milestones == nil {
		v.Milestones = []milestoneView{}
	}
	return v
}

func (s Sales) order(ctx context.Context, orderID string) (orderView, Tag, error) {
	o, err := order.Get(ctx, s.Table, orderID)
	if err != nil {
		return orderView{}, Tag{}, err
	}
	tag, err := s.books().tag(ctx, o.ContactID, o.Version(), civil.Date{})
	return orderOf(o), tag, err
}

// shareForm says what of an order is billed.
type shareForm struct {
	Milestone string `json:"milestone,omitempty" maxLength:"200" doc:"by its name"`
	PortionForm
	Final    bool       `json:"final,omitempty" doc:"all that remains: everything agreed, less each advance with its tax"`
	LeaveOut []string   `json:"leaveOut,omitempty" maxItems:"60" doc:"ids of unpaid advances that stay to be paid by themselves beside the final invoice"`
	KeepTax  bool       `json:"keepTax,omitempty" doc:"the final invoice has the tax that was agreed, although today's is another"`
	DueOn    civil.Date `json:"dueOn,omitzero" doc:"last day to pay it on time"`
}

type cancellation struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"kept in the history"`
}

func (s Sales) orderRoutes(r *Router) {
	Read(r, Op{ID: "getOrder", Path: "/orders/{id}", Summary: "What was agreed."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (orderView, Tag, error) {
			return s.order(ctx, req.Params.ID)
		})
	List(r, Op{ID: "listOrders", Path: "/orders", Summary: "Orders, newest first."},
		func(ctx context.Context, _ activity.By, req *Request[orderFilter, None]) ([]orderView, string, error) {
			os, next, err := order.List(ctx, s.Table, order.State(req.Params.State), req.Params.Limit, req.Params.Cursor)
			out := make([]orderView, 0, len(os))
			for _, o := range os {
				out = append(out, orderOf(o))
			}
			return out, next, err
		})
	Act(r, Op{ID: "cancelOrder", Path: "/orders/{id}/cancel", Summary: "The rest is never billed; its drafts are thrown away, what is issued stays."},
		Deed[idParam, cancellation, orderView]{
			Do: func(ctx context.Context, by activity.By, req *Request[idParam, cancellation]) (string, error) {
				_, err := s.Billing.CancelOrder(ctx, by, req.Params.ID, req.Body.Reason)
				return req.Params.ID, err
			},
			Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, cancellation], orderID string) (orderView, Tag, error) {
				return s.order(ctx, orderID)
			},
			Now: func(ctx context.Context, _ activity.By, req *Request[idParam, cancellation]) (any, Tag, error) {
				return s.order(ctx, req.Params.ID)
			},
		})
	Create(r, Op{ID: "billOrder", Path: "/orders/{id}/invoices", Summary: "Draft an invoice over a milestone, a percent, an amount, or all that remains.",
		About: "A milestone and the final invoice are drafted once: again, it answers the same invoice. " +
			"A final invoice that meets advances not paid yet is 409 advance_unpaid and names them in invoiceIds."},
		Deed[idParam, shareForm, invoiceView]{
			Do: func(ctx context.Context, by activity.By, req *Request[idParam, shareForm]) (string, error) {
				b := req.Body
				i, err := s.Billing.BillOrder(ctx, by, req.Params.ID, billing.OrderInput{
					Milestone: b.Milestone, Portion: order.Portion(b.PortionForm), Final: b.Final, LeaveOut: b.LeaveOut, KeepTax: b.KeepTax, DueOn: b.DueOn,
				})
				return i.ID, err
			},
			Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, shareForm], invoiceID string) (invoiceView, Tag, error) {
				return s.books().invoice(ctx, invoiceID)
			},
		})
}
