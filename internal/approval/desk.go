package approval

import (
	"context"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/store"
)

// MailNotice is the effect that tells an owner of a deed that was done without a second person. Its subject is what the
// deed was done to; its arguments are the owner's member id, the words and the organisation's language.
const MailNotice = "mail.notice"

// Decision says what a deed comes to on fresh reads: nil when there is nothing to do, and whether it takes two persons.
type Decision func(ctx context.Context, by activity.By, h activity.Head, a Approval) (d *activity.Deed, two bool, err error)

// Desk keeps what waits for a second person.
type Desk struct {
	Table   store.Table
	Records *activity.Records
	IDs     id.Source
	Now     func() time.Time
	Members *member.Service
	Org     *org.Service
	Kinds   map[string]Decision // by the kind of approval
}

// Do does what is wanted, whose ContactID, Kind, Subject, Text and Reason are given; the caller has checked the right to ask.
// Where it takes two persons and there are two, it asks, and answers the id of the question, which changes nothing else;
// asked again, it answers the same one. fault.Invalid without a reason; fault.Unready with the code sign_in_again when one
// person must do it alone and signed in more than five minutes ago.
func (d *Desk) Do(ctx context.Context, by activity.By, want Approval) (approvalID string, err error) {
	if want.Reason, err = said(want.Reason); err != nil {
		return "", err
	}
	_, err = d.Records.Do(ctx, by, activity.ContactChain(want.ContactID), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
		approvalID = ""
		deed, two, err := d.Kinds[want.Kind](ctx, by, h, want) // what is not possible is refused at once
		if err != nil || deed == nil || !two {
			return deed, err
		}
		all, err := d.Members.List(ctx)
		if err != nil {
			return nil, err
		}
		if !another(all, by) {
			return d.alone(ctx, by, all, want, deed)
		}
		now := d.Now().UTC()
		old, asked, err := waiting(ctx, d.Table, want, now)
		if err != nil {
			return nil, err
		}
		if asked {
			approvalID = old.ID
			return nil, nil
		}
		a := want
		a.ID, a.State, a.AskedBy, a.AskedAt, a.ExpiresAt = d.IDs.Of("av", want.ContactID), Open, person(by), now, now.Add(Lifetime)
		op, err := a.put()
		if err != nil {
			return nil, err
		}
		approvalID = a.ID
		return &activity.Deed{
			Kind: "approval.asked", Subject: a.ID, Refs: map[string]string{"about": a.Subject}, Text: "Asked for a second person: " + a.Text,
			Reason: a.Reason, Ops: []store.Op{op},
		}, nil
	})
	return approvalID, err
}

// another reports whether somebody else may answer: an owner or a billing member.
func another(all []member.Member, by activity.By) bool {
	for _, m := range all {
		if m.ID != by.ID && (m.Role == member.Owner || m.Role == member.Billing) {
			return true
		}
	}
	return false
}

// alone lets one person do it, and has every owner told.
func (d *Desk) alone(ctx context.Context, by activity.By, all []member.Member, want Approval, deed *activity.Deed) (*activity.Deed, error) {
	if !by.Fresh {
		return nil, fault.Unready.Errorf("nobody else can approve this, so sign in again and repeat it within five minutes").Coded("sign_in_again")
	}
	set, err := d.Org.Get(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.Role != member.Owner {
			continue
		}
		op, err := effect.New(effect.Effect{
			ID: d.IDs.New("ef"), Lane: effect.Mail, Kind: MailNotice, ContactID: want.ContactID, Subject: want.Subject,
			Args:  map[string]string{"member": m.ID, "text": deed.Text, "reason": want.Reason, "by": by.Name, "locale": set.Locale},
			Title: "Notice to " + m.Name + ": " + deed.Text, Area: issue.Admin,
		}, d.Now().UTC())
		if err != nil {
			return nil, err
		}
		deed.Ops = append(deed.Ops, op)
	}
	return deed, nil
}

// Approve does what was asked for, as it comes out now, in one write with the answer. Again, it changes nothing.
// fault.Denied for the one who asked, and where neither of the two is an owner; fault.Unready once it was rejected or has
// expired, or when the deed is not possible any more.
func (d *Desk) Approve(ctx context.Context, by activity.By, approvalID string) (Approval, error) {
	return d.decide(ctx, by, approvalID, Approved, "", func(ctx context.Context, h activity.Head, a Approval) (*activity.Deed, error) {
		switch {
		case a.AskedBy.ID == by.ID:
			return nil, fault.Denied.Errorf("you asked for this yourself; somebody else has to approve it")
		case a.AskedBy.Role != string(member.Owner) && by.Role != string(member.Owner):
			return nil, fault.Denied.Errorf("one of the two persons has to be an owner")
		}
		deed, _, err := d.Kinds[a.Kind](ctx, by, h, a)
		if err == nil && deed == nil {
			return nil, fault.Unready.Errorf("this was done already: %s", a.Text)
		}
		return deed, err
	})
}

// Reject answers that it shall not be done; the one who asked may take it back so. Again, it changes nothing.
// fault.Unready once it was approved or has expired.
func (d *Desk) Reject(ctx context.Context, by activity.By, approvalID, reason string) (Approval, error) {
	if reason = strings.TrimSpace(reason); len([]rune(reason)) > maxReason {
		return Approval{}, fault.InField("reason", "too_long", "a reason has at most 1,000 characters")
	}
	return d.decide(ctx, by, approvalID, Rejected, reason, func(_ context.Context, _ activity.Head, a Approval) (*activity.Deed, error) {
		return &activity.Deed{Kind: "approval.rejected", Subject: a.ID, Text: "Rejected: " + a.Text, Reason: reason}, nil
	})
}

// decide answers a question with the deed that follows from it.
func (d *Desk) decide(ctx context.Context, by activity.By, approvalID string, next State, answer string, follow func(context.Context, activity.Head, Approval) (*activity.Deed, error)) (Approval, error) {
	if err := member.May(by, member.ApprovalDecide); err != nil {
		return Approval{}, err
	}
	contact, err := id.Contact("av", approvalID)
	if err != nil {
		return Approval{}, err
	}
	_, err = d.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
		a, err := Get(ctx, d.Table, approvalID)
		if err != nil {
			return nil, err
		}
		now := d.Now().UTC()
		switch at := a.At(now); at {
		case Open:
		case next:
			return nil, nil
		default:
			return nil, fault.Unready.Errorf("this was %s already; ask again if it is still needed", at)
		}
		deed, err := follow(ctx, h, a)
		if err != nil {
			// Somebody may have answered since it was read: then what stops us is what they did.
			if b, again := Get(ctx, d.Table, approvalID); again == nil && b.At(now) == next {
				return nil, nil
			}
			return nil, err
		}
		a.State, a.DecidedBy, a.DecidedAt, a.Answer = next, person(by), now, answer
		op, err := a.put()
		if err != nil {
			return nil, err
		}
		if deed.Refs == nil {
			deed.Refs = map[string]string{}
		}
		deed.Refs["approval"], deed.Refs["askedBy"] = a.ID, a.AskedBy.ID
		deed.Ops = append(deed.Ops, op)
		return deed, nil
	})
	if err != nil {
		return Approval{}, err
	}
	return Get(ctx, d.Table, approvalID)
}

const maxReason = 1000

// said checks a reason.
func said(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len([]rune(reason)) > maxReason {
		return "", fault.InField("reason", "required", "say why, in 1 to 1,000 characters: it is kept in the history")
	}
	return reason, nil
}
