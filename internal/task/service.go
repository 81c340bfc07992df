package task

import (
	"context"
	"errors"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/store"
)

// Service is what people do with tasks.
type Service struct {
	Table   store.Table
	Records *activity.Records
	IDs     id.Source
	Now     func() time.Time
	Org     *org.Service
	Members *member.Service
	// Outcome answers what became of a document, and how one would say it. fault.NotFound when there is none.
	Outcome func(ctx context.Context, subject string) (Outcome, string, error)
}

// Create adds a task. fault.Invalid names each wrong field; fault.Unready when its reason has ended already.
func (s *Service) Create(ctx context.Context, by activity.By, in Input) (Task, error) {
	if err := member.May(by, member.TaskWrite); err != nil {
		return Task{}, err
	}
	if in.OwnerID == "" && by.Kind == activity.Member {
		in.OwnerID = by.ID
	}
	contact, err := s.contact(ctx, in)
	if err != nil {
		return Task{}, err
	}
	var taskID string
	decide := func(ctx context.Context, contact string, _ activity.Head) (*activity.Deed, error) {
		taskID = s.IDs.Of("tk", contact)
		t, op, err := s.Make(ctx, contact, taskID, in)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{Kind: "task.created", Subject: t.ID, Text: "To do: " + t.Title, Ops: []store.Op{op}}, nil
	}
	if in.Subject == "" {
		_, err = s.Records.Begin(ctx, by, contact, decide)
	} else { // beside its document, whatever became of the contact: both end in one write
		_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
			return decide(ctx, contact, h)
		})
	}
	if err != nil {
		return Task{}, err
	}
	return Get(ctx, s.Table, taskID)
}

// contact answers in whose chain a new task lies: its document's contact, or the one given.
func (s *Service) contact(ctx context.Context, in Input) (string, error) {
	if in.Subject == "" {
		return s.survivor(ctx, in.ContactID)
	}
	of, err := owner(in.Subject)
	if err != nil {
		return "", fault.InField("subject", "not_found", "there is no such document")
	}
	if in.ContactID == "" || in.ContactID == of {
		return of, nil
	}
	given, err := s.survivor(ctx, in.ContactID)
	if err != nil {
		return "", err
	}
	if theirs, err := s.survivor(ctx, of); err != nil || theirs != given {
		return "", errors.Join(err, fault.InField("subject", "invalid", "this document belongs to another contact"))
	}
	return of, nil
}

// survivor answers a contact, or the one that a merge made of it.
func (s *Service) survivor(ctx context.Context, contactID string) (string, error) {
	if contactID == "" {
		return "", fault.InField("contactId", "required", "say for which contact, or about which document")
	}
	none := fault.InField("contactId", "not_found", "there is no such contact")
	if id.Check("ct", contactID) != nil {
		return "", none
	}
	h, err := s.Records.Head(ctx, activity.ContactChain(contactID))
	switch {
	case err != nil:
		return "", err
	case h.Seq == 0:
		return "", none
	case h.MergedInto != "":
		return h.MergedInto, nil
	}
	return contactID, nil
}

// Make answers a new task of a contact and the operation that stores it, for a deed that has more to do. The deed must be
// of the contact's chain.
func (s *Service) Make(ctx context.Context, contact, taskID string, in Input) (Task, store.Op, error) {
	t := Task{ID: taskID, ContactID: contact, Subject: in.Subject, State: Open, CreatedAt: s.Now().UTC()}
	if err := s.fill(ctx, &t, in); err != nil {
		return Task{}, store.Op{}, err
	}
	if err := s.goes(ctx, t); err != nil {
		return Task{}, store.Op{}, err
	}
	op, err := t.Put()
	return t, op, err
}

// fill takes over what was typed.
func (s *Service) fill(ctx context.Context, t *Task, in Input) error {
	in.Subject = t.Subject
	var f fault.Fields
	if err := f.Join("", in.check()); err != nil {
		return err
	}
	if in.OwnerID != t.OwnerID || in.OwnerID == "" { // a member who has left keeps what was theirs until somebody takes it
		m, err := s.Members.Get(ctx, in.OwnerID)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
		if err != nil || !m.RemovedAt.IsZero() {
			f.Add("ownerId", "not_found", "a task has an owner, who is a member")
		}
	}
	if err := f.Err(); err != nil {
		return err
	}
	set, err := s.Org.Get(ctx)
	if err != nil {
		return err
	}
	zone, err := civil.Zone(set.TimeZone)
	if err != nil {
		return err
	}
	t.Title, t.Notes, t.OwnerID, t.Reason = in.Title, in.Notes, in.OwnerID, in.Reason
	t.DueOn, t.DueAt, t.Instant, t.UpdatedAt = in.DueOn, in.DueAt.UTC(), instantOf(in, zone), s.Now().UTC()
	return nil
}

// goes demands that the document of an open task goes on, and has room for it.
func (s *Service) goes(ctx context.Context, t Task) error {
	if t.Subject == "" {
		return nil
	}
	o, because, err := s.Outcome(ctx, t.Subject)
	if errors.Is(err, fault.NotFound) {
		return fault.InField("subject", "not_found", "there is no such document")
	}
	if err != nil {
		return err
	}
	if o.ends(t.Reason) {
		return fault.Unready.Errorf("there is nothing left to do: %s", because).Coded("ended")
	}
	open, err := onSubject(ctx, s.Table, t.ContactID, t.Subject)
	if err == nil && len(open) >= maxOnSubject {
		err = fault.Unready.Errorf("there are %d open tasks about this document already; finish some first", len(open))
	}
	return err
}

// change reads a task, lets edit change it, and writes what came of it. An edit that answers no deed leaves it as it is.
func (s *Service) change(ctx context.Context, by activity.By, taskID string, version int64, edit func(ctx context.Context, t *Task) (*activity.Deed, error)) (Task, error) {
	if err := member.May(by, member.TaskWrite); err != nil {
		return Task{}, err
	}
	contact, err := id.Contact("tk", taskID)
	if err != nil {
		return Task{}, err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		t, err := Get(ctx, s.Table, taskID)
		if err != nil {
			return nil, err
		}
		if version != 0 && t.version != version {
			return nil, errStale
		}
		d, err := edit(ctx, &t)
		if err != nil || d == nil {
			return nil, err
		}
		t.UpdatedAt = s.Now().UTC()
		op, err := t.Put()
		d.Subject, d.Ops = t.ID, []store.Op{op}
		return d, err
	})
	if err != nil {
		return Task{}, err
	}
	return Get(ctx, s.Table, taskID)
}

// Update changes an open task. fault.Stale when version is not the stored one, fault.Unready when it is closed.
func (s *Service) Update(ctx context.Context, by activity.By, taskID string, version int64, in Input) (Task, error) {
	return s.change(ctx, by, taskID, version, func(ctx context.Context, t *Task) (*activity.Deed, error) {
		if t.State != Open {
			return nil, fault.Unready.Errorf("this task is %s; open it again to change it", t.State)
		}
		if in.ContactID != "" && in.ContactID != t.ContactID || in.Subject != "" && in.Subject != t.Subject {
			return nil, fault.InField("subject", "immutable", "a task stays with its contact and document; make a new one")
		}
		old := *t
		if err := s.fill(ctx, t, in); err != nil {
			return nil, err
		}
		changes := differences(old, *t)
		if len(changes) == 0 {
			return nil, nil
		}
		return &activity.Deed{Kind: "task.changed", Text: "Changed the task: " + t.Title, Changes: changes}, nil
	})
}

// Done notes that it was done; again, it changes nothing. A version of 0 is not compared.
func (s *Service) Done(ctx context.Context, by activity.By, taskID string, version int64) (Task, error) {
	return s.change(ctx, by, taskID, version, func(_ context.Context, t *Task) (*activity.Deed, error) {
		if t.State != Open {
			return nil, nil
		}
		t.State, t.ClosedAt = Done, s.Now().UTC()
		return &activity.Deed{Kind: "task.done", Text: "Done: " + t.Title}, nil
	})
}

// Reopen takes a closed task up again. fault.Unready when its reason has ended.
func (s *Service) Reopen(ctx context.Context, by activity.By, taskID string, version int64) (Task, error) {
	return s.change(ctx, by, taskID, version, func(ctx context.Context, t *Task) (*activity.Deed, error) {
		if t.State == Open {
			return nil, nil
		}
		if err := s.goes(ctx, *t); err != nil {
			return nil, err
		}
		t.State, t.ClosedAt, t.Because = Open, time.Time{}, ""
		return &activity.Deed{Kind: "task.reopened", Text: "To do again: " + t.Title}, nil
	})
}

func differences(a, b Task) []activity.Change {
	var out []activity.Change
	due := func(t Task) string {
		if t.DueAt.IsZero() {
			return t.DueOn.String()
		}
		return t.DueAt.Format(time.RFC3339)
	}
	for _, f := range []struct{ name, from, to string }{
		{"title", a.Title, b.Title}, {"notes", a.Notes, b.Notes}, {"ownerId", a.OwnerID, b.OwnerID}, {"due", due(a), due(b)}, {"reason", a.Reason, b.Reason},
	} {
		if f.from != f.to {
			out = append(out, activity.Change{Field: f.name, From: f.from, To: f.to})
		}
	}
	return out
}
