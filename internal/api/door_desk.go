package api

import (
	"context"
	"net/http"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/contact"
	"onebook/internal/inquiry"
	"onebook/internal/message"
	"onebook/internal/org"
	"onebook/internal/store"
	"onebook/internal/task"
)

// Desk serves what lies on people's desks: tasks, messages with clients, and the public form that makes both.
type Desk struct {
	Table     store.Table
	Records   *activity.Records
	Org       *org.Service
	Contacts  *contact.Service
	Tasks     *task.Service
	Inquiries *inquiry.Service
	Now       func() time.Time
}

func (s Desk) books() books { return books{table: s.Table, records: s.Records, org: s.Org} }

// Door opens it.
func (s Desk) Door() Door { return Door{Name: "contacts", Routes: s.routes} }

func (s Desk) routes(r *Router) {
	s.taskRoutes(r)
	s.books().history(r, "task", "/tasks", "tk")
	List(r, Op{ID: "contactMessages", Path: "/contacts/{id}/messages", Summary: "What was written to a contact and what the contact wrote, newest first."}, s.messages)
	Create(r, Op{ID: "sendInquiry", Path: "/public/inquiries/{slug}", Public: true, Status: http.StatusAccepted, Summary: "Write to the organisation.",
		About: "Creates or finds the contact and opens a task. The answer never tells whether the contact existed. An e-mail address or a telephone number is needed. 429 when too many come within the hour."},
		Deed[slugParam, inquiryForm, inquiredView]{
			Do: func(ctx context.Context, by activity.By, req *Request[slugParam, inquiryForm]) (string, error) {
				return "", s.Inquiries.Receive(ctx, by.Once, req.Params.Slug, inquiry.Input(req.Body))
			},
			Show: func(context.Context, activity.By, *Request[slugParam, inquiryForm], string) (inquiredView, Tag, error) {
				return inquiredView{Received: true}, Tag{}, nil
			},
		})
}

type slugParam struct {
	Slug string `path:"slug" doc:"of the organisation; see its settings"`
}

type inquiryForm struct {
	Name    string            `json:"name" minLength:"1" maxLength:"200"`
	Email   string            `json:"email,omitempty" maxLength:"254"`
	Phone   string            `json:"phone,omitempty" maxLength:"40"`
	Message string            `json:"message" minLength:"1" maxLength:"5000"`
	Answers map[string]string `json:"answers,omitempty" doc:"by question, at most 20"`
}

// inquiredView is the same whatever happened.
type inquiredView struct {
	Received bool `json:"received"`
}

type taskForm struct {
	ContactID string     `json:"contactId,omitempty" maxLength:"60" doc:"of the subject unless given; stays"`
	Subject   string     `json:"subject,omitempty" maxLength:"60" doc:"id of the document that it hangs on; stays, and the task ends with it"`
	Title     string     `json:"title" minLength:"1" maxLength:"200"`
	Notes     string     `json:"notes,omitempty" maxLength:"4000"`
	OwnerID   string     `json:"ownerId,omitempty" maxLength:"60" doc:"a member; whoever makes it unless given"`
	DueOn     civil.Date `json:"dueOn,omitzero"`
	DueAt     *time.Time `json:"dueAt,omitempty" doc:"instead of dueOn"`
	Reason    string     `json:"reason,omitempty" enum:"other,inquiry,answer,payment" doc:"answer and payment end when the document is accepted or paid, every reason when it is voided, declined, canceled or expired"`
}

func (f taskForm) input() task.Input {
	in := task.Input{
		ContactID: f.ContactID, Subject: f.Subject, Title: f.Title, Notes: f.Notes, OwnerID: f.OwnerID, DueOn: f.DueOn, Reason: f.Reason,
	}
	if f.DueAt != nil {
		in.DueAt = *f.DueAt
	}
	return in
}

type taskView struct {
	ID        string     `json:"id"`
	ContactID string     `json:"contactId"`
	Subject   string     `json:"subject,omitempty"`
	Title     string     `json:"title"`
	Notes     string     `json:"notes,omitempty"`
	OwnerID   string     `json:"ownerId"`
	DueOn     civil.Date `json:"dueOn,omitzero"`
	DueAt     *time.Time `json:"dueAt,omitempty"`
	Reason    string     `json:"reason" enum:"other,inquiry,answer,payment"`
	State     string     `json:"state" enum:"open,done,dropped" doc:"dropped: its reason has ended"`
	Overdue   bool       `json:"overdue"`
	ClosedAt  *time.Time `json:"closedAt,omitempty"`
	Because   string     `json:"because,omitempty" doc:"why it was dropped"`
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
	Version   int64      `json:"version"`
}

func (s Desk) taskOf(t task.Task, today civil.Date) taskView {
	return taskView{
		ID: t.ID, ContactID: t.ContactID, Subject: t.Subject, Title: t.Title, Notes: t.Notes, OwnerID: t.OwnerID, DueOn: t.DueOn,
		DueAt: when(t.DueAt), Reason: t.Reason, State: string(t.State), Overdue: t.Overdue(s.Now(), today), ClosedAt: when(t.ClosedAt),
		Because: t.Because, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, Version: t.Version(),
	}
}

func (s Desk) task(ctx context.Context, taskID string) (taskView, Tag, error) {
	t, err := task.Get(ctx, s.Table, taskID)
	if err != nil {
		return taskView{}, Tag{}, err
	}
	today, err := s.books().today(ctx)
	if err != nil {
		return taskView{}, Tag{}, err
	}
	tag, err := s.books().tag(ctx, t.ContactID, t.Version(), today)
	return s.taskOf(t, today), tag, err
}

type taskFilter struct {
	Page
	State     string     `query:"state" enum:"open,done,dropped" default:"open"`
	OwnerID   string     `query:"ownerId" maxLength:"60"`
	ContactID string     `query:"contactId" maxLength:"60"`
	DueBefore civil.Date `query:"dueBefore" doc:"due earlier than this day"`
}

func (s Desk) tasks(ctx context.Context, _ activity.By, req *Request[taskFilter, None]) ([]taskView, string, error) {
	p := req.Params
	if err := ofContact(p.ContactID); err != nil {
		return nil, "", err
	}
	f := task.Filter{State: task.State(p.State), OwnerID: p.OwnerID}
	if p.ContactID != "" {
		var err error
		if f.Contacts, err = s.whole(ctx, p.ContactID); err != nil {
			return nil, "", err
		}
	}
	set, err := s.Org.Get(ctx)
	if err != nil {
		return nil, "", err
	}
	today, err := set.Today(s.Now())
	if err != nil {
		return nil, "", err
	}
	if !p.DueBefore.IsZero() {
		zone, err := civil.Zone(set.TimeZone)
		if err != nil {
			return nil, "", err
		}
		f.Before = civil.DayStart(p.DueBefore, zone)
	}
	ts, next, err := task.List(ctx, s.Table, f, p.Limit, p.Cursor)
	return each(ts, func(t task.Task) taskView { return s.taskOf(t, today) }), next, err
}

func (s Desk) taskRoutes(r *Router) {
	Create(r, Op{ID: "createTask", Path: "/tasks", Summary: "Something to do for a contact, or about a document."}, Deed[None, taskForm, taskView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, taskForm]) (string, error) {
			t, err := s.Tasks.Create(ctx, by, req.Body.input())
			return t.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, taskForm], taskID string) (taskView, Tag, error) {
			return s.task(ctx, taskID)
		},
	})
	List(r, Op{ID: "listTasks", Path: "/tasks", Summary: "Tasks: open ones the soonest due first, closed ones the last closed first, of one contact the newest first.",
		About: "With contactId, or of one owner's closed ones, a page may hold fewer than limit and still have a cursor."}, s.tasks)
	Read(r, Op{ID: "getTask", Path: "/tasks/{id}", Summary: "One task."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (taskView, Tag, error) {
			return s.task(ctx, req.Params.ID)
		})
	Patch(r, Op{ID: "editTask", Path: "/tasks/{id}", Summary: "Change an open task."}, Change[idParam, taskForm, taskView]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, taskForm]) (taskForm, Tag, error) {
			t, err := task.Get(ctx, s.Table, req.Params.ID)
			return taskForm{
				ContactID: t.ContactID, Subject: t.Subject, Title: t.Title, Notes: t.Notes, OwnerID: t.OwnerID, DueOn: t.DueOn, DueAt: when(t.DueAt), Reason: t.Reason,
			}, Tag{Rev: t.Version()}, err
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, taskForm]) error {
			_, err := s.Tasks.Update(ctx, by, req.Params.ID, req.Rev, req.Body.input())
			return err
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, taskForm]) (taskView, Tag, error) {
			return s.task(ctx, req.Params.ID)
		},
	})
	Act(r, Op{ID: "finishTask", Path: "/tasks/{id}/done", Summary: "It was done; again, it changes nothing."}, s.deedOnTask(s.Tasks.Done))
	Act(r, Op{ID: "reopenTask", Path: "/tasks/{id}/reopen", Summary: "Take a closed task up again, unless its reason has ended."}, s.deedOnTask(s.Tasks.Reopen))
}

func (s Desk) deedOnTask(do func(ctx context.Context, by activity.By, taskID string, version int64) (task.Task, error)) Deed[idParam, None, taskView] {
	return Deed[idParam, None, taskView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, None]) (string, error) {
			t, err := do(ctx, by, req.Params.ID, req.Rev)
			return t.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, None], taskID string) (taskView, Tag, error) {
			return s.task(ctx, taskID)
		},
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (any, Tag, error) {
			return s.task(ctx, req.Params.ID)
		},
	}
}

func (s Desk) messages(ctx context.Context, _ activity.By, req *Request[pageOfOne, None]) ([]message.Message, string, error) {
	c, err := s.Contacts.Get(ctx, req.Params.ID)
	if err != nil {
		return nil, "", err
	}
	whole, err := s.whole(ctx, c.ID)
	if err != nil {
		return nil, "", err
	}
	return message.OfContacts(ctx, s.Table, whole, req.Params.Limit, req.Params.Cursor)
}

// whole are a contact, or the one that it was merged into, and all that were merged into that.
func (s Desk) whole(ctx context.Context, contactID string) ([]string, error) {
	h, err := s.Records.Head(ctx, activity.ContactChain(contactID))
	if err == nil && h.MergedInto != "" {
		contactID = h.MergedInto
		h, err = s.Records.Head(ctx, activity.ContactChain(contactID))
	}
	return append([]string{contactID}, h.Members...), err
}
