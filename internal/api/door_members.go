package api

import (
	"context"
	"errors"
	"time"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/store"
)

// MemberForm is what people edit of a member.
type MemberForm struct {
	Name  string `json:"name" minLength:"1" maxLength:"200"`
	Email string `json:"email" maxLength:"254" doc:"of the sign-in; it cannot be changed later"`
	Role  string `json:"role" enum:"owner,admin,billing,booking,sales,viewer"`
}

func (f MemberForm) input() member.Input {
	return member.Input{Name: f.Name, Email: f.Email, Role: member.Role(f.Role)}
}

type memberView struct {
	ID string `json:"id"`
	MemberForm
	InvitedAt *time.Time `json:"invitedAt,omitempty"`
	Version   int64      `json:"version"`
}

func memberOf(m member.Member) memberView {
	return memberView{
		ID: m.ID, InvitedAt: when(m.InvitedAt), Version: m.Version(),
		MemberForm: MemberForm{Name: m.Name, Email: m.Email, Role: string(m.Role)},
	}
}

func (s Settings) member(ctx context.Context, memberID string) (memberView, Tag, error) {
	m, err := s.Members.Get(ctx, memberID)
	if err == nil && !m.RemovedAt.IsZero() {
		err = fault.NotFound.Errorf("there is no such member")
	}
	return memberOf(m), Tag{Rev: m.Version()}, err
}

func (s Settings) memberRoutes(r *Router) {
	Create(r, Op{ID: "inviteMember", Path: "/members", Summary: "Invite somebody."}, Deed[None, MemberForm, memberView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, MemberForm]) (string, error) {
			m, err := s.Members.Invite(ctx, by, req.Body.input())
			return m.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, MemberForm], memberID string) (memberView, Tag, error) {
			return s.member(ctx, memberID)
		},
	})
	List(r, Op{ID: "listMembers", Path: "/members", Summary: "The members."},
		func(ctx context.Context, _ activity.By, req *Request[Page, None]) ([]memberView, string, error) {
			all, err := s.Members.List(ctx)
			if err != nil {
				return nil, "", err
			}
			some, next, err := window(all, func(m member.Member) string { return m.ID }, req.Params)
			out := make([]memberView, 0, len(some))
			for _, m := range some {
				out = append(out, memberOf(m))
			}
			return out, next, err
		})
	Read(r, Op{ID: "getMember", Path: "/members/{id}", Summary: "One member."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (memberView, Tag, error) {
			return s.member(ctx, req.Params.ID)
		})
	Patch(r, Op{ID: "editMember", Path: "/members/{id}", Summary: "Change name or role; the organisation keeps an owner."}, Change[idParam, MemberForm, memberView]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, MemberForm]) (MemberForm, Tag, error) {
			v, tag, err := s.member(ctx, req.Params.ID)
			return v.MemberForm, tag, err
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, MemberForm]) error {
			_, err := s.Members.Update(ctx, by, req.Params.ID, req.Rev, req.Body.input())
			return err
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, MemberForm]) (memberView, Tag, error) {
			return s.member(ctx, req.Params.ID)
		},
	})
	Remove(r, Op{ID: "removeMember", Path: "/members/{id}", Summary: "Take somebody's access away, within a minute everywhere."}, Removal[idParam]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (any, Tag, error) {
			return s.member(ctx, req.Params.ID)
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, None]) error {
			return s.Members.Remove(ctx, by, req.Params.ID, req.Rev)
		},
	})
}

type moneyView struct {
	Amount   int64  `json:"amount" format:"minor"`
	Currency string `json:"currency"`
}

type tryView struct {
	At     time.Time `json:"at"`
	Result string    `json:"result"`
}

type issueView struct {
	ID        string            `json:"id"`
	Code      string            `json:"code"`
	State     string            `json:"state" enum:"RETRYING,OPEN,RESOLVED_AUTO,RESOLVED_MANUAL,IGNORED"`
	Area      string            `json:"area" enum:"billing,booking,admin" doc:"whose it is to settle"`
	Title     string            `json:"title" doc:"what could not be done"`
	Detail    string            `json:"detail" doc:"why, and what to do next"`
	Actions   []string          `json:"actions" doc:"what may be done about it, most useful first"`
	Choices   []choiceView      `json:"choices" doc:"the same, with what each will do"`
	ContactID string            `json:"contactId,omitempty"`
	Subject   string            `json:"subject,omitempty" doc:"the thing concerned"`
	AtRisk    *moneyView        `json:"moneyAtRisk,omitempty"`
	Refs      map[string]string `json:"refs,omitempty" doc:"further ids"`
	Count     int               `json:"count" doc:"how often it came"`
	FirstAt   time.Time         `json:"firstAt"`
	LastAt    time.Time         `json:"lastAt"`
	NextAt    *time.Time        `json:"nextAt,omitempty" doc:"when it is tried again by itself"`
	Attempts  []tryView         `json:"attempts"`
	Owner     string            `json:"owner,omitempty" doc:"the member it is assigned to, else the one who looks after the record"`
	Reason    string            `json:"reason,omitempty" doc:"of the person who settled it"`
	Until     *time.Time        `json:"until,omitempty" doc:"an ignored one comes back then"`
	Version   int64             `json:"version"`
}

type choiceView struct {
	Action string `json:"action" doc:"POST /issues/{id}/{action}"`
	Does   string `json:"does"`
	Reason bool   `json:"reason" doc:"whether a reason is needed"`
}

func issueOf(i issue.Issue, keeper string) issueView {
	v := issueView{
		ID: i.ID, Code: i.Code, State: string(i.State), Area: i.Area, Title: i.Title, Detail: i.Detail, Actions: i.Actions(),
		ContactID: i.ContactID, Subject: i.Subject, Refs: i.Refs, Count: i.Count, FirstAt: i.FirstAt, LastAt: i.LastAt,
		NextAt: when(i.NextAt), Attempts: []tryView{}, Owner: i.Owner(keeper), Reason: i.Reason, Until: when(i.Until), Version: i.Version(),
	}
	if v.Actions == nil {
		v.Actions = []string{}
	}
	v.Choices = []choiceView{}
	for _, a := range i.Actions() {
		v.Choices = append(v.Choices, choiceView{Action: a, Does: i.Does(a), Reason: a != "retry" && a != "assign"})
	}
	if i.AtRisk != nil {
		v.AtRisk = &moneyView{Amount: i.AtRisk.Amount, Currency: i.AtRisk.Currency}
	}
	for _, a := range i.Attempts {
		v.Attempts = append(v.Attempts, tryView(a))
	}
	return v
}

func (s Settings) issue(ctx context.Context, issueID string) (issueView, Tag, error) {
	i, err := issue.Get(ctx, s.Table, issueID)
	if err != nil {
		return issueView{}, Tag{}, err
	}
	set, err := s.Org.Get(ctx)
	return issueOf(i, set.RecordOwnerID), Tag{Rev: i.Version()}, err
}

type issueFilter struct {
	Page
	State string `query:"state" enum:"RETRYING,OPEN,RESOLVED_AUTO,RESOLVED_MANUAL,IGNORED"`
	Owner string `query:"owner" maxLength:"100" doc:"a member's id, or me"`
}

type retrying struct {
	Reason string `json:"reason,omitempty" maxLength:"1000"`
}

type settling struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"kept in the history"`
}

type ignoring struct {
	Reason string    `json:"reason" minLength:"1" maxLength:"1000" doc:"kept in the history"`
	Until  time.Time `json:"until,omitzero" doc:"it comes back then; never unless given"`
}

type assigning struct {
	MemberID string `json:"memberId" minLength:"1" maxLength:"100"`
	Reason   string `json:"reason,omitempty" maxLength:"1000"`
}

func decide[B any](s Settings, do func(ctx context.Context, by activity.By, issueID string, body B) error) Deed[idParam, B, issueView] {
	return Deed[idParam, B, issueView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, B]) (string, error) {
			return req.Params.ID, do(ctx, by, req.Params.ID, req.Body)
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, B], issueID string) (issueView, Tag, error) {
			return s.issue(ctx, issueID)
		},
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, B]) (any, Tag, error) {
			return s.issue(ctx, req.Params.ID)
		},
	}
}

// again puts the effect of an issue back in line.
func (s Settings) again(ctx context.Context, i issue.Issue) ([]store.Op, error) {
	op, err := effect.Again(ctx, s.Table, i.Effect, s.Now().UTC())
	return []store.Op{op}, err
}

type retryingMany struct {
	IDs    []string `json:"ids" minItems:"1" maxItems:"100"`
	Reason string   `json:"reason,omitempty" maxLength:"1000"`
}

type retriedView struct {
	Items []retriedOne `json:"items"`
}

type retriedOne struct {
	ID      string `json:"id"`
	Retried bool   `json:"retried"`
	Problem string `json:"problem,omitempty" doc:"what stopped it"`
}

func (s Settings) retryAll(ctx context.Context, by activity.By, req *Request[None, retryingMany]) (retriedView, error) {
	out := retriedView{Items: []retriedOne{}}
	for n, err := range s.Desk.RetryAll(ctx, by, req.Body.IDs, req.Body.Reason, s.again) {
		one := retriedOne{ID: req.Body.IDs[n], Retried: err == nil}
		var f *fault.Error
		switch {
		case errors.As(err, &f) && f.Kind == fault.Denied:
			return retriedView{}, err
		case errors.As(err, &f):
			one.Problem = f.Message
		case err != nil:
			return retriedView{}, err
		}
		out.Items = append(out.Items, one)
	}
	return out, nil
}

func (s Settings) issueRoutes(r *Router) {
	List(r, Op{ID: "listIssues", Path: "/issues", Summary: "What could not be done, the newest first.",
		About: "With owner a page may hold fewer than limit and still have a cursor."},
		func(ctx context.Context, by activity.By, req *Request[issueFilter, None]) ([]issueView, string, error) {
			p := req.Params
			if p.Owner == "me" {
				p.Owner = by.ID
			}
			set, err := s.Org.Get(ctx)
			if err != nil {
				return nil, "", err
			}
			is, next, err := s.Desk.List(ctx, issue.State(p.State), p.Limit, p.Cursor)
			out := make([]issueView, 0, len(is))
			for _, i := range is {
				if p.Owner == "" || i.Owner(set.RecordOwnerID) == p.Owner {
					out = append(out, issueOf(i, set.RecordOwnerID))
				}
			}
			return out, next, err
		})
	Read(r, Op{ID: "getIssue", Path: "/issues/{id}", Summary: "One issue."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (issueView, Tag, error) {
			return s.issue(ctx, req.Params.ID)
		})
	Act(r, Op{ID: "retryIssue", Path: "/issues/{id}/retry", Summary: "Try again what failed."},
		decide(s, func(ctx context.Context, by activity.By, issueID string, b retrying) error {
			return s.Desk.Retry(ctx, by, issueID, b.Reason, s.again)
		}))
	Act(r, Op{ID: "resendIssue", Path: "/issues/{id}/resend", Summary: "Mail a letter that came back again, to the contact's address as it is now."},
		decide(s, func(ctx context.Context, by activity.By, issueID string, b settling) error {
			return s.Letters.Resend(ctx, by, issueID, b.Reason)
		}))
	Act(r, Op{ID: "unblockIssue", Path: "/issues/{id}/unblock", Summary: "Let letters go to an address again that was blocked.",
		About: "A letter that has not arrived there is mailed again."},
		decide(s, func(ctx context.Context, by activity.By, issueID string, b settling) error {
			return s.Letters.Unblock(ctx, by, issueID, b.Reason)
		}))
	Compute(r, Op{ID: "retryIssues", Path: "/issues/retry", Summary: "Try many again; each stands alone, and one that cannot does not stop the others."}, s.retryAll)
	Act(r, Op{ID: "resolveIssue", Path: "/issues/{id}/resolve", Summary: "It was settled otherwise."},
		decide(s, func(ctx context.Context, by activity.By, issueID string, b settling) error {
			return s.Desk.Resolve(ctx, by, issueID, issue.Decision{Reason: b.Reason})
		}))
	Act(r, Op{ID: "ignoreIssue", Path: "/issues/{id}/ignore", Summary: "Leave it be, perhaps until a moment."},
		decide(s, func(ctx context.Context, by activity.By, issueID string, b ignoring) error {
			return s.Desk.Ignore(ctx, by, issueID, issue.Decision{Reason: b.Reason, Until: b.Until})
		}))
	Act(r, Op{ID: "assignIssue", Path: "/issues/{id}/assign", Summary: "Give it to a member."},
		decide(s, func(ctx context.Context, by activity.By, issueID string, b assigning) error {
			if _, _, err := s.member(ctx, b.MemberID); fault.KindOf(err) == fault.NotFound {
				return fault.InField("memberId", "not_found", "there is no such member")
			} else if err != nil {
				return err
			}
			return s.Desk.Assign(ctx, by, issueID, issue.Decision{Member: b.MemberID, Reason: b.Reason})
		}))
}
