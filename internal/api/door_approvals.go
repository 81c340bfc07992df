package api

import (
	"context"
	"time"

	"onebook/internal/activity"
	"onebook/internal/approval"
	"onebook/internal/civil"
)

type personView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role" doc:"at that moment"`
}

type approvalView struct {
	ID        string      `json:"id"`
	State     string      `json:"state" enum:"open,approved,rejected,expired"`
	Kind      string      `json:"kind" doc:"what is asked for, such as invoice.write-off or invoice.void"`
	Subject   string      `json:"subject" doc:"id of what it is done to"`
	ContactID string      `json:"contactId"`
	Text      string      `json:"text" doc:"one plain sentence"`
	Reason    string      `json:"reason"`
	Amount    int64       `json:"amount" format:"minor" doc:"when it was asked; the deed is decided anew when it is approved"`
	Currency  string      `json:"currency,omitempty"`
	AskedBy   personView  `json:"askedBy"`
	AskedAt   time.Time   `json:"askedAt"`
	ExpiresAt time.Time   `json:"expiresAt"`
	DecidedBy *personView `json:"decidedBy,omitempty"`
	DecidedAt *time.Time  `json:"decidedAt,omitempty"`
	Answer    string      `json:"answer,omitempty" doc:"why it was rejected"`
	Version   int64       `json:"version"`
}

func (s Settings) approvalOf(a approval.Approval) approvalView {
	v := approvalView{
		ID: a.ID, State: string(a.At(s.Now())), Kind: a.Kind, Subject: a.Subject, ContactID: a.ContactID, Text: a.Text, Reason: a.Reason,
		Amount: a.Amount, Currency: a.Currency, AskedBy: personView(a.AskedBy), AskedAt: a.AskedAt.UTC(), ExpiresAt: a.ExpiresAt.UTC(),
		DecidedAt: when(a.DecidedAt), Answer: a.Answer, Version: a.Version(),
	}
	if a.DecidedBy.ID != "" {
		v.DecidedBy = new(personView)
		*v.DecidedBy = personView(a.DecidedBy)
	}
	return v
}

func (s Settings) approval(ctx context.Context, approvalID string) (approvalView, Tag, error) {
	a, err := approval.Get(ctx, s.Table, approvalID)
	if err != nil {
		return approvalView{}, Tag{}, err
	}
	tag, err := books{table: s.Table, records: s.Records, org: s.Org}.tag(ctx, a.ContactID, a.Version(), civil.Date{})
	return s.approvalOf(a), tag, err
}

type approvalFilter struct {
	Page
	State string `query:"state" enum:"open,approved,rejected,expired" doc:"all unless given; a page may hold fewer than limit and still have a cursor"`
}

type rejection struct {
	Reason string `json:"reason,omitempty" maxLength:"1000" doc:"why it is rejected"`
}

func (s Settings) approvalRoutes(r *Router) {
	List(r, Op{ID: "listApprovals", Path: "/approvals", Summary: "What waits for a second person, and what became of it; the latest first."},
		func(ctx context.Context, _ activity.By, req *Request[approvalFilter, None]) ([]approvalView, string, error) {
			as, next, err := approval.List(ctx, s.Table, approval.State(req.Params.State), s.Now(), req.Params.Limit, req.Params.Cursor)
			out := make([]approvalView, 0, len(as))
			for _, a := range as {
				out = append(out, s.approvalOf(a))
			}
			return out, next, err
		})
	Read(r, Op{ID: "getApproval", Path: "/approvals/{id}", Summary: "One approval."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (approvalView, Tag, error) {
			return s.approval(ctx, req.Params.ID)
		})
	Act(r, Op{ID: "approve", Path: "/approvals/{id}/approve", Summary: "Do what was asked for; not by the one who asked.",
		About: "The deed is decided on what is true now: 409 says why when it is not possible any more. One of the two persons has to be an owner."},
		decision[None](s, func(ctx context.Context, by activity.By, approvalID string, _ None) error {
			_, err := s.Second.Approve(ctx, by, approvalID)
			return err
		}))
	Act(r, Op{ID: "reject", Path: "/approvals/{id}/reject", Summary: "Answer that it shall not be done; the one who asked may take it back so."},
		decision(s, func(ctx context.Context, by activity.By, approvalID string, b rejection) error {
			_, err := s.Second.Reject(ctx, by, approvalID, b.Reason)
			return err
		}))
}

// decision is an answer after which the approval is shown.
func decision[B any](s Settings, do func(ctx context.Context, by activity.By, approvalID string, body B) error) Deed[idParam, B, approvalView] {
	return Deed[idParam, B, approvalView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, B]) (string, error) {
			return req.Params.ID, do(ctx, by, req.Params.ID, req.Body)
		},
		// The entry of a deed that was approved is about what it was done to, so the approval is found by the path.
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, B], _ string) (approvalView, Tag, error) {
			return s.approval(ctx, req.Params.ID)
		},
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, B]) (any, Tag, error) {
			return s.approval(ctx, req.Params.ID)
		},
	}
}
