package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/checkout"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/org"
	"onebook/internal/sale"
	"onebook/internal/store"
	"onebook/internal/totals"
)

// Invoices serves totals, invoices and payments.
type Invoices struct {
	Table    store.Table
	Records  *activity.Records
	Org      *org.Service
	Billing  *billing.Service
	Checkout *checkout.Service
	PDFs     PDFs
}

func (s Invoices) books() books { return books{table: s.Table, records: s.Records, org: s.Org} }

// Door opens it.
func (s Invoices) Door() Door { return Door{Name: "invoices", Routes: s.routes} }

func (s Invoices) routes(r *Router) {
	Compute(r, Op{ID: "totals", Path: "/totals", Summary: "What a document would come to. Nothing is stored."},
		func(_ context.Context, _ activity.By, req *Request[None, totals.Document]) (totals.Result, error) {
			return totals.Calculate(req.Body)
		})
	s.draftRoutes(r)
	s.deedRoutes(r)
	s.paymentRoutes(r)
	s.books().history(r, "invoice", "/invoices", "in")
	s.books().history(r, "payment", "/payments", "py")
}

// invoiceForm is what people edit of an invoice.
type invoiceForm struct {
	ContactID   string           `json:"contactId" maxLength:"60" doc:"whom it is for; it stays theirs"`
	DealID      string           `json:"dealId,omitempty" maxLength:"60" doc:"a deal of the same contact; that of its order, where it bills one"`
	DueOn       civil.Date       `json:"dueOn,omitzero" doc:"last day to pay on time"`
	DueDays     *int             `json:"dueDays,omitempty" minimum:"0" maximum:"3650" doc:"instead of dueOn: counts from the day of issue; the organisation's usual time unless given"`
	Instalments []instalmentForm `json:"instalments,omitempty" maxItems:"36" doc:"instead of dueOn and dueDays: parts with days of their own that add up to what is payable, the earliest first"`
	Recipients  []recipientForm  `json:"recipients,omitempty" maxItems:"10" doc:"who gets its letters, one each; the contact's people who receive invoices, else its own address, unless given"`
	SaleForm
}

type instalmentForm struct {
	Amount int64      `json:"amount" minimum:"1" format:"minor"`
	DueOn  civil.Date `json:"dueOn"`
}

type instalmentView struct {
	Amount int64      `json:"amount" format:"minor"`
	DueOn  civil.Date `json:"dueOn"`
	Paid   int64      `json:"paid" format:"minor" doc:"what came in pays the oldest first"`
	Due    int64      `json:"due" format:"minor"`
}

type recipientForm struct {
	Name  string `json:"name,omitempty" maxLength:"100"`
	Email string `json:"email" maxLength:"254"`
}

func (f invoiceForm) input() billing.Input {
	in := billing.Input{ContactID: f.ContactID, DealID: f.DealID, Body: f.SaleForm.input(), DueOn: f.DueOn, DueDays: f.DueDays,
		Instalments: each(f.Instalments, func(x instalmentForm) invoice.Instalment { return invoice.Instalment(x) })}
	for _, r := range f.Recipients {
		in.Recipients = append(in.Recipients, sale.Addressee(r))
	}
	return in
}

type pdfView struct {
	SHA256  string    `json:"sha256"`
	Bytes   int       `json:"bytes"`
	ReadyAt time.Time `json:"readyAt"`
	Lacking []string  `json:"lacking,omitempty" doc:"characters that stand on it as these numbers, because no font has them"`
}

type deliveryView struct {
	State string    `json:"state" doc:"of the newest letter, of several the one that needs a person most: uncertain (no answer came: it may have gone out), sent, delivered, bounced, complained, suppressed (the address is blocked)"`
	To    string    `json:"to,omitempty"`
	At    time.Time `json:"at"`
}

type recipientView struct {
	Name     string        `json:"name,omitempty"`
	Email    string        `json:"email"`
	Delivery *deliveryView `json:"delivery,omitempty" doc:"of the newest letter to this recipient"`
}

func deliveryOf(d *invoice.Delivery) *deliveryView {
	if d == nil {
		return nil
	}
	v := &deliveryView{State: string(d.State), To: d.To, At: d.At}
	if d.Uncertain {
		v.State = "uncertain"
	}
	return v
}

func recipientsOf(i invoice.Invoice, tr invoice.Track) []recipientView {
	all := i.Recipients
	switch {
	case i.State == invoice.Draft:
		all = i.Chosen
	case len(all) == 0 && i.Frozen != nil && i.Frozen.Client.Email != "": // issued before there could be several
		all = []sale.Addressee{{Name: i.Frozen.Client.Name, Email: i.Frozen.Client.Email}}
	}
	out := make([]recipientView, 0, len(all))
	for _, a := range all {
		out = append(out, recipientView{Name: a.Name, Email: a.Email, Delivery: deliveryOf(tr.Of(a.Email))})
	}
	return out
}

type reminderView struct {
	Step    string    `json:"step"`
	State   string    `json:"state" enum:"planned,sent,skipped"`
	At      time.Time `json:"at"`
	Because string    `json:"because,omitempty"`
}

type invoiceView struct {
	ID         string  `json:"id"`
	Number     string  `json:"number,omitempty" doc:"from its issue on"`
	Status     string  `json:"status" enum:"draft,open,paid,void,uncollectible"`
	Display    string  `json:"display" doc:"the word that people read: draft, issued, sent, viewed, partially paid, overdue, paying, paid, credited, written off, void"`
	ContactID  string  `json:"contactId"`
	EstimateID string  `json:"estimateId,omitempty"`
	OrderID    string  `json:"orderId,omitempty"`
	Share      string  `json:"share,omitempty" enum:"deposit,milestone,final" doc:"what it bills of its order, unless the whole; its lines are not edited"`
	Deposit    bool    `json:"deposit,omitempty" doc:"asks for a deposit: a final invoice will take it off"`
	DealID     *string `json:"dealId" doc:"null when it belongs to none"`
	SaleView
	Paid        int64            `json:"paid" format:"minor"`
	Credited    int64            `json:"credited" format:"minor"`
	Due         int64            `json:"due" format:"minor" doc:"payable less paid, credited and written off; 0 of a draft and of a void one"`
	WrittenOff  int64            `json:"writtenOff,omitempty" format:"minor" doc:"given up, and not come in since"`
	FromCredit  int64            `json:"fromCredit,omitempty" format:"minor" doc:"how much of paid came from the contact's credit"`
	IssuedOn    civil.Date       `json:"issuedOn,omitzero"`
	DueOn       civil.Date       `json:"dueOn,omitzero"`
	NextDueOn   civil.Date       `json:"nextDueOn,omitzero" doc:"of an invoice in instalments: when the oldest unpaid one is due; it decides what is overdue"`
	Instalments []instalmentView `json:"instalments,omitempty"`
	DueDays     *int             `json:"dueDays,omitempty"`
	Recipients  []recipientView  `json:"recipients" doc:"who gets its letters, as they were when it was issued or sent; of a draft those that were chosen"`
	SentAt      *time.Time       `json:"sentAt,omitempty"`
	ViewedAt    *time.Time       `json:"viewedAt,omitempty" doc:"first opened by a person"`
	PaidAt      *time.Time       `json:"paidAt,omitempty"`
	VoidReason  string           `json:"voidReason,omitempty"`
	LossReason  string           `json:"lossReason,omitempty" doc:"why it was written off"`
	PDF         *pdfView         `json:"pdf,omitempty" doc:"absent while it is being made"`
	Delivery    *deliveryView    `json:"delivery,omitempty"`
	Reminders   []reminderView   `json:"reminders"`
	CreatedAt   time.Time        `json:"createdAt"`
	UpdatedAt   time.Time        `json:"updatedAt"`
	Version     int64            `json:"version"`
}

func invoiceOf(i invoice.Invoice, tr invoice.Track, today civil.Date) invoiceView {
	v := invoiceView{
		ID: i.ID, Number: i.Number, Status: string(i.State), Display: i.Display(today, tr), ContactID: i.ContactID,
		EstimateID: i.EstimateID, OrderID: i.OrderID, Share: string(i.Share), Deposit: i.Share == invoice.Deposit, SaleView: viewOf(i.Body), Paid: i.Paid, Credited: i.Credited, Due: i.Due(),
		IssuedOn: i.IssuedOn, DueOn: i.DueOn, DueDays: i.DueDays, Recipients: recipientsOf(i, tr), SentAt: when(i.SentAt),
		ViewedAt: when(tr.ViewedAt), PaidAt: when(i.PaidAt), VoidReason: i.VoidReason,
		LossReason: i.LossReason, WrittenOff: i.WrittenOff, FromCredit: i.Applied, Reminders: []reminderView{},
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, Version: i.Version(),
	}
	if i.DealID != "" {
		v.DealID = &i.DealID
	}
	for _, p := range i.Parts() {
		v.Instalments, v.NextDueOn = append(v.Instalments, instalmentView{Amount: p.Amount, DueOn: p.DueOn, Paid: p.Paid, Due: p.Due}), i.NextDue()
	}
	if p := tr.PDF; p != nil {
		v.PDF = &pdfView{SHA256: p.SHA256, Bytes: p.Bytes, ReadyAt: p.ReadyAt, Lacking: p.Lacking}
	}
	v.Delivery = deliveryOf(tr.Delivery)
	return v
}

func (b books) invoice(ctx context.Context, invoiceID string) (invoiceView, Tag, error) {
	i, err := invoice.Get(ctx, b.table, invoiceID)
	if err != nil {
		return invoiceView{}, Tag{}, err
	}
	tr, err := invoice.GetTrack(ctx, b.table, i)
	if err != nil {
		return invoiceView{}, Tag{}, err
	}
	today, err := b.today(ctx)
	if err != nil {
		return invoiceView{}, Tag{}, err
	}
	tag, err := b.tag(ctx, i.ContactID, i.Version(), today)
	return invoiceOf(i, tr, today), tag, err
}

func (s Invoices) invoice(ctx context.Context, invoiceID string) (invoiceView, Tag, error) {
	return s.books().invoice(ctx, invoiceID)
}

// tracks reads the tracks of invoices, in their order.
func (b books) tracks(ctx context.Context, is []invoice.Invoice) ([]invoice.Track, error) {
	out := make([]invoice.Track, len(is))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for n, i := range is {
		g.Go(func() (err error) {
			out[n], err = invoice.GetTrack(ctx, b.table, i)
			return err
		})
	}
	return out, g.Wait()
}

type invoiceFilter struct {
	Page
	Status    string     `query:"status" enum:"draft,open,overdue,paid,void,uncollectible" doc:"overdue is open and due before today"`
	ContactID string     `query:"contactId" maxLength:"60"`
	DueBefore civil.Date `query:"dueBefore" doc:"due earlier than this day"`
	Number    string     `query:"number" maxLength:"60" doc:"exactly"`
	Deal      string     `query:"deal" maxLength:"60" doc:"id of a deal, or none: those that belong to no deal"`
}

func (s Invoices) list(ctx context.Context, _ activity.By, req *Request[invoiceFilter, None]) ([]invoiceView, string, error) {
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
	f := invoice.Filter{Contacts: family, DueBefore: p.DueBefore, Today: today, Deal: p.Deal, Overdue: p.Status == "overdue"}
	if !f.Overdue {
		f.State = invoice.State(p.Status)
	}
	var is []invoice.Invoice
	var next string
	if p.Number != "" {
		is, err = s.numbered(ctx, p.Number, f)
	} else {
		is, next, err = s.page(ctx, f, p.Page)
	}
	if err != nil {
		return nil, "", err
	}
	trs, err := s.books().tracks(ctx, is)
	if err != nil {
		return nil, "", err
	}
	out := make([]invoiceView, 0, len(is))
	for n, i := range is {
		out = append(out, invoiceOf(i, trs[n], today))
	}
	return out, next, nil
}

// page answers a page of invoices. Those of a deal, or of none, are found among all others, so it looks on until it is full.
func (s Invoices) page(ctx context.Context, f invoice.Filter, p Page) ([]invoice.Invoice, string, error) {
	is, next, err := invoice.List(ctx, s.Table, f, p.Limit, p.Cursor)
	for f.Deal != "" && err == nil && next != "" && len(is) < p.Limit {
		var more []invoice.Invoice
		more, next, err = invoice.List(ctx, s.Table, f, p.Limit-len(is), next)
		is = append(is, more...)
	}
	return is, next, err
}

// numbered answers the invoice of a number when it fits the other filters too.
func (s Invoices) numbered(ctx context.Context, number string, f invoice.Filter) ([]invoice.Invoice, error) {
	i, err := invoice.ByNumber(ctx, s.Table, number)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case f.State != "" && i.State != f.State, f.Overdue && !i.Overdue(f.Today), len(f.Contacts) > 0 && !slices.Contains(f.Contacts, i.ContactID), !f.OfDeal(i),
		!f.DueBefore.IsZero() && (i.NextDue().IsZero() || !i.NextDue().Before(f.DueBefore)):
		return nil, nil
	}
	return []invoice.Invoice{i}, nil
}

func (s Invoices) draftRoutes(r *Router) {
	Create(r, Op{ID: "createInvoice", Path: "/invoices", Summary: "A draft with computed totals."}, Deed[None, invoiceForm, invoiceView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, invoiceForm]) (string, error) {
			i, err := s.Billing.Create(ctx, by, req.Body.input())
			return i.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, invoiceForm], invoiceID string) (invoiceView, Tag, error) {
			return s.invoice(ctx, invoiceID)
		},
	})
	List(r, Op{ID: "listInvoices", Path: "/invoices", Summary: "Invoices, the latest due date first; of one contact, the newest first."}, s.list)
	Read(r, Op{ID: "getInvoice", Path: "/invoices/{id}", Summary: "One invoice."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (invoiceView, Tag, error) {
			return s.invoice(ctx, req.Params.ID)
		})
	Patch(r, Op{ID: "editInvoice", Path: "/invoices/{id}", Summary: "Change a draft."}, Change[idParam, invoiceForm, invoiceView]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, invoiceForm]) (invoiceForm, Tag, error) {
			i, err := invoice.Get(ctx, s.Table, req.Params.ID)
			f := invoiceForm{ContactID: i.ContactID, DealID: i.DealID, DueOn: i.DueOn, DueDays: i.DueDays, SaleForm: formOf(i.Body),
				Instalments: each(i.Instalments, func(x invoice.Instalment) instalmentForm { return instalmentForm(x) })}
			for _, a := range i.Chosen {
				f.Recipients = append(f.Recipients, recipientForm(a))
			}
			return f, Tag{Rev: i.Version()}, err
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, invoiceForm]) error {
			_, err := s.Billing.Update(ctx, by, req.Params.ID, req.Rev, req.Body.input())
			return err
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, invoiceForm]) (invoiceView, Tag, error) {
			return s.invoice(ctx, req.Params.ID)
		},
	})
	Remove(r, Op{ID: "removeInvoice", Path: "/invoices/{id}", Summary: "Throw a draft away."}, Removal[idParam]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (any, Tag, error) {
			return s.invoice(ctx, req.Params.ID)
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, None]) error {
			return s.Billing.Delete(ctx, by, req.Params.ID, req.Rev)
		},
	})
}

type voiding struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"kept in the history"`
}

type credit struct {
	Amount int64 `json:"amount,omitempty" minimum:"1" format:"minor" doc:"at most what is due, and the credit there is"`
}

type urlView struct {
	URL string `json:"url"`
}

type fileView struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expiresAt" doc:"at most five minutes ahead"`
}

// deedOnInvoice is a deed after which the invoice is shown.
func deedOnInvoice[B any](s Invoices, do func(ctx context.Context, by activity.By, invoiceID string, body B) error) Deed[idParam, B, invoiceView] {
	return Deed[idParam, B, invoiceView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, B]) (string, error) {
			return req.Params.ID, do(ctx, by, req.Params.ID, req.Body)
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, B], invoiceID string) (invoiceView, Tag, error) {
			return s.invoice(ctx, invoiceID)
		},
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, B]) (any, Tag, error) {
			return s.invoice(ctx, req.Params.ID)
		},
	}
}

// secondOnInvoice is a deed that may wait for a second person; otherwise the invoice is shown after it.
func secondOnInvoice(s Invoices, do func(ctx context.Context, by activity.By, invoiceID, reason string) (string, error)) Deed[idParam, voiding, invoiceView] {
	d := deedOnInvoice[voiding](s, nil)
	d.Do = func(ctx context.Context, by activity.By, req *Request[idParam, voiding]) (string, error) {
		asked, err := do(ctx, by, req.Params.ID, req.Body.Reason)
		return cmp.Or(asked, req.Params.ID), err
	}
	return d
}

func (s Invoices) deedRoutes(r *Router) {
	Act(r, Op{ID: "issueInvoice", Path: "/invoices/{id}/issue", Summary: "Number and freeze it; again, it answers the same invoice."},
		deedOnInvoice(s, func(ctx context.Context, by activity.By, invoiceID string, _ None) error {
			_, err := s.Billing.Issue(ctx, by, invoiceID)
			return err
		}))
	Act(r, Op{ID: "sendInvoice", Path: "/invoices/{id}/send", Summary: "Mail the pay link; a draft is issued first. Again, it mails it again."},
		deedOnInvoice(s, func(ctx context.Context, by activity.By, invoiceID string, _ None) error {
			_, err := s.Billing.Send(ctx, by, invoiceID)
			return err
		}))
	Act(r, Op{ID: "voidInvoice", Path: "/invoices/{id}/void", Second: true, Summary: "Take an issued invoice back while nothing was paid; its number stays.",
		About: "A sent one waits for a second person where the settings say so."},
		secondOnInvoice(s, s.Billing.Void))
	Act(r, Op{ID: "writeOffInvoice", Path: "/invoices/{id}/write-off", Second: true, Summary: "Give up what is due; money that comes in after all recovers it.",
		About: "It waits for a second person as soon as there is another owner or billing member. Alone it needs a sign-in at most five minutes old (409 sign_in_again), and every owner is told by mail."},
		secondOnInvoice(s, s.Billing.WriteOff))
	Act(r, Op{ID: "applyCredit", Path: "/invoices/{id}/apply-credit", Summary: "Pay it from the contact's credit; without an amount, as much as there is and is due."},
		deedOnInvoice(s, func(ctx context.Context, by activity.By, invoiceID string, b credit) error {
			_, err := s.Checkout.ApplyCredit(ctx, by, invoiceID, b.Amount)
			return err
		}))
	Compute(r, Op{ID: "invoicePayLink", Path: "/invoices/{id}/pay-link", Summary: "The address at which the client sees and pays it."},
		func(ctx context.Context, by activity.By, req *Request[idParam, None]) (urlView, error) {
			url, err := s.Billing.PayLink(ctx, by, req.Params.ID)
			return urlView{URL: url}, err
		})
	Raw(r, Op{ID: "getInvoicePDF", Path: "/invoices/{id}/pdf", Also: []int{302}, Summary: "The way to the one PDF of an issued invoice.",
		About: "With Accept: application/json the address and its end; otherwise a redirect to it. 409 unready while the PDF is being made."},
		func(ctx context.Context, by activity.By, req *Request[pdfParam, None]) (Answer[fileView], error) {
			if _, err := invoice.Get(ctx, s.Table, req.Params.ID); err != nil {
				return Answer[fileView]{}, err
			}
			return fileAnswer(ctx, s.PDFs, by, req.Params.ID, req.Params.accept)
		})
}

// accept is the header by which a client chooses between an address and being sent there.
type accept struct {
	Accept string `header:"Accept" maxLength:"1000" doc:"application/json answers the address instead of a redirect"`
}

type pdfParam struct {
	idParam
	accept
}
