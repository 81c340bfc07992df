package api

import (
	"context"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
)

type historyView struct {
	At        time.Time         `json:"at"`
	Actor     string            `json:"actor" doc:"name, or what kind of actor where a name was erased"`
	ActorKind string            `json:"actorKind" doc:"member, automation, client"`
	ActorID   string            `json:"actorId,omitempty"`
	Kind      string            `json:"kind" doc:"what was done, such as invoice.issued"`
	Subject   string            `json:"subject,omitempty" doc:"id of the thing it is about"`
	Text      string            `json:"text"`
	Reason    string            `json:"reason,omitempty"`
	Changes   []activity.Change `json:"changes"`
}

func historyOf(es []activity.Entry) []historyView {
	return each(es, func(e activity.Entry) historyView {
		v := historyView{
			At: e.At, Actor: e.By.Name, ActorKind: e.By.Kind, ActorID: e.By.ID, Kind: e.Kind, Subject: e.Subject, Text: e.Text, Reason: e.Reason,
			Changes: e.Changes,
		}
		if v.Actor == "" {
			v.Actor = e.By.Kind
		}
		if v.Changes == nil {
			v.Changes = []activity.Change{}
		}
		return v
	})
}

const fewer = "A page may hold fewer than limit and still have a cursor."

// history makes the route of what was done with one thing that a contact has; prefix is that of its id.
func (b books) history(r *Router, name, path, prefix string) {
	List(r, Op{ID: name + "History", Path: path + "/{id}/history", Summary: "What was changed, by whom and why, newest first.", About: fewer},
		func(ctx context.Context, _ activity.By, req *Request[pageOfOne, None]) ([]historyView, string, error) {
			p := req.Params
			contact := p.ID
			if prefix != "ct" {
				var err error
				if contact, err = id.Contact(prefix, p.ID); err != nil {
					return nil, "", err
				}
			} else if err := id.Check(prefix, p.ID); err != nil {
				return nil, "", err
			}
			es, next, err := b.records.History(ctx, activity.ContactChain(contact), p.ID, p.Limit, p.Cursor)
			if err == nil && len(es) == 0 && next == "" && p.Cursor == "" {
				return nil, "", fault.NotFound.Errorf("there is nothing with the id %q", printable(p.ID))
			}
			return historyOf(es), next, err
		})
}

// orgHistory is history for what is the organisation's; subject answers whom the entries of a path name.
func orgHistory[P any](records *activity.Records, r *Router, op Op, subject func(P) (id string, page Page)) {
	op.About = fewer
	List(r, op, func(ctx context.Context, _ activity.By, req *Request[P, None]) ([]historyView, string, error) {
		of, page := subject(req.Params)
		es, next, err := records.OrgHistory(ctx, of, page.Limit, page.Cursor)
		return historyOf(es), next, err
	})
}
