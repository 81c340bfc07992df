package letter

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/issue"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// Desk is where people settle the issues of letters that came back.
type Desk struct {
	Table   store.Table
	Issues  *issue.Desk
	Clients sale.Clients
	IDs     id.Source
	Now     func() time.Time
}

// Resend mails the letter of an issue again, to the contact's address as it is now. fault.Unready (address_blocked) while
// that is the one that gets no letters.
func (d *Desk) Resend(ctx context.Context, by activity.By, issueID, reason string) error {
	return d.Issues.Act(ctx, by, issueID, Resend, reason, func(ctx context.Context, i issue.Issue) ([]store.Op, error) {
		c, err := d.Clients.Client(ctx, i.ContactID)
		if err != nil {
			return nil, err
		}
		to := c.To
		if strings.HasPrefix(i.Refs["about"], "es_") {
			to = c.Decides
		}
		for _, a := range c.All {
			// To whom it went, unless the contact does not have that address any more, or it is blocked.
			if a.Email == i.Refs["address"] && contact.Welcome(ctx, d.Table, a.Email) == nil {
				to = a
			}
		}
		if err := contact.Welcome(ctx, d.Table, to.Email); err != nil {
			return nil, err
		}
		op, err := d.again(ctx, i, &to)
		return []store.Op{op}, err
	})
}

// Unblock lets letters go to the address of an issue again. What has not arrived there is mailed again; what was complained
// of has.
func (d *Desk) Unblock(ctx context.Context, by activity.By, issueID, reason string) error {
	return d.Issues.Act(ctx, by, issueID, Unblock, reason, func(ctx context.Context, i issue.Issue) ([]store.Op, error) {
		var ops []store.Op
		b, err := contact.Blocked(ctx, d.Table, i.Refs["address"])
		if err != nil {
			return nil, err
		}
		if b.Stands() {
			b.LiftedAt = d.Now().UTC()
			op, err := b.Put()
			if err != nil {
				return nil, err
			}
			ops = append(ops, op)
		}
		if i.Code == "letter.complained" {
			return ops, nil
		}
		op, err := d.again(ctx, i, nil)
		return append(ops, op), err
	})
}

// again puts the letter of an issue in line: the same one when it has not gone out, a copy when it has. A letter that goes to
// one of several recipients goes to the given one, or to the same.
func (d *Desk) again(ctx context.Context, i issue.Issue, to *sale.Addressee) (store.Op, error) {
	e, err := effect.Get(ctx, d.Table, i.Refs["letter"])
	if errors.Is(err, fault.NotFound) {
		return store.Op{}, fault.Unready.Errorf("this letter is not kept any more; send the document again")
	}
	if err != nil {
		return store.Op{}, err
	}
	if e.State != effect.Done {
		return effect.Again(ctx, d.Table, e.ID, d.Now().UTC())
	}
	if to != nil && e.Args["to"] != "" {
		e.Args = maps.Clone(e.Args)
		e.Args["to"], e.Args["name"] = to.Email, to.Name
	}
	return effect.New(effect.Effect{
		ID: d.IDs.New("ef"), Lane: e.Lane, Kind: e.Kind, ContactID: e.ContactID, Subject: e.Subject, Args: e.Args, Title: e.Title, Area: e.Area,
	}, d.Now().UTC())
}
