package api

import (
	"context"

	"onebook/internal/activity"
	"onebook/internal/contact"
)

type mergeForm struct {
	FromID string            `json:"fromId" maxLength:"60" doc:"the contact that becomes part of the one in the path"`
	Keep   map[string]string `json:"keep,omitempty" doc:"field of one value, such as name or address: survivor or merged; what is left out is as the preview proposes"`
}

type mergeParam struct {
	idParam
	Preview bool `query:"preview" doc:"true: only tell what it would come to"`
}

// mergedView is a merge with the contact that survives it, as it is now, or in a preview as it would be.
type mergedView struct {
	Merge   *contact.Merge `json:"merge,omitempty" doc:"what was done; absent in a preview"`
	Preview *previewView   `json:"preview,omitempty" doc:"what it would come to; only in a preview"`
	Contact *contactView   `json:"contact,omitempty" doc:"the survivor as it is now; absent in a preview"`
}

// previewView is what a merge would come to.
type previewView struct {
	Contact  contactView     `json:"contact" doc:"as it would be, with what both owe and have in hand"`
	MergedID string          `json:"mergedId"`
	Proposed string          `json:"proposed" doc:"which of the two had better survive"`
	Clashes  []contact.Clash `json:"clashes" doc:"fields of one value in which they differ"`
	Because  []string        `json:"because" doc:"what speaks for their being one"`
	Against  []string        `json:"against"`
}

type undoParam struct {
	idParam
	Restore []string `query:"restore" doc:"fields of one value that were changed since the merge and shall be what they were before it"`
}

type apartForm struct {
	ContactIDs []string `json:"contactIds" minItems:"2" maxItems:"2"`
}

func (s Contacts) merged(ctx context.Context, mergeID string) (mergedView, Tag, error) {
	m, err := s.Contacts.GetMerge(ctx, mergeID)
	if err != nil {
		return mergedView{}, Tag{}, err
	}
	c, tag, err := s.contact(ctx, m.SurvivorID)
	return mergedView{Merge: &m, Contact: &c}, tag, err
}

func (s Contacts) mergeRoutes(r *Router) {
	Act(r, Op{ID: "mergeContacts", Path: "/contacts/{id}/merge", Summary: "Make another contact part of this one.",
		About: "Nothing is moved: documents and their history stay where they were made and are shown with the survivor, which takes over the other's addresses, numbers and ids. With preview=true nothing is changed."}, Deed[mergeParam, mergeForm, mergedView]{
		Do: func(ctx context.Context, by activity.By, req *Request[mergeParam, mergeForm]) (string, error) {
			if req.Params.Preview {
				return "", nil
			}
			m, err := s.Contacts.Merge(ctx, by, req.Params.ID, req.Body.input())
			return m.ID, err
		},
		Show: func(ctx context.Context, by activity.By, req *Request[mergeParam, mergeForm], mergeID string) (mergedView, Tag, error) {
			if req.Params.Preview {
				p, err := s.Contacts.Preview(ctx, by, req.Params.ID, req.Body.input())
				return mergedView{Preview: &previewView{
					Contact: contactView{Contact: p.Contact, Version: p.Contact.Version()}, MergedID: p.MergedID, Proposed: p.Proposed,
					Clashes: p.Clashes, Because: p.Because, Against: p.Against,
				}}, Tag{}, err
			}
			return s.merged(ctx, mergeID)
		},
	})
	List(r, Op{ID: "listMerges", Path: "/contacts/{id}/merges", Summary: "What was merged into a contact, the newest first."},
		func(ctx context.Context, _ activity.By, req *Request[pageOfOne, None]) ([]contact.Merge, string, error) {
			ms, err := s.Contacts.Merges(ctx, req.Params.ID)
			return ms, "", err
		})
	Act(r, Op{ID: "undoMerge", Path: "/merges/{id}/undo", Summary: "Make two contacts of one again, for 30 days.",
		About: "What was made since stays with the survivor, and so does what was changed since: merge.offered lists the fields of which the value before may be asked for with restore."}, Deed[undoParam, None, mergedView]{
		Do: func(ctx context.Context, by activity.By, req *Request[undoParam, None]) (string, error) {
			m, err := s.Contacts.Undo(ctx, by, req.Params.ID, req.Params.Restore)
			return m.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[undoParam, None], mergeID string) (mergedView, Tag, error) {
			return s.merged(ctx, mergeID)
		},
	})
	List(r, Op{ID: "listDuplicates", Path: "/contacts/duplicates", Summary: "Pairs of contacts that may be one, with what speaks for and against it.",
		About: "limit is how many contacts are looked at, the newest first: a page may be empty and still have a cursor."},
		func(ctx context.Context, _ activity.By, req *Request[Page, None]) ([]contact.Duplicate, string, error) {
			return s.Contacts.Duplicates(ctx, req.Params.Limit, req.Params.Cursor)
		})
	Act(r, Op{ID: "dismissDuplicate", Path: "/contacts/duplicates/dismiss", Summary: "Two contacts are not one; they are not proposed again."}, Deed[None, apartForm, apartForm]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, apartForm]) (string, error) {
			ids := req.Body.ContactIDs
			return ids[0], s.Contacts.Dismiss(ctx, by, ids[0], ids[1])
		},
		Show: func(_ context.Context, _ activity.By, req *Request[None, apartForm], _ string) (apartForm, Tag, error) {
			return req.Body, Tag{}, nil
		},
	})
}

func (f mergeForm) input() contact.MergeInput {
	return contact.MergeInput{MergedID: f.FromID, Keep: f.Keep}
}
