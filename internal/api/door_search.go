package api

import (
	"context"
	"time"

	"onebook/internal/activity"
)

type searchFilter struct {
	Page
	Q string `query:"q" required:"true" minLength:"1" maxLength:"200" doc:"the beginning of a name, a company, an address, a telephone number, a document's number, or an amount"`
}

type foundView struct {
	Kind      string    `json:"kind" enum:"contact,estimate,order,invoice"`
	ID        string    `json:"id"`
	ContactID string    `json:"contactId" doc:"whose it is"`
	Title     string    `json:"title" doc:"the contact's name"`
	Number    string    `json:"number,omitempty" doc:"of a document; of an order that of its estimate"`
	Status    string    `json:"status"`
	Currency  string    `json:"currency,omitempty"`
	Total     int64     `json:"total,omitempty" format:"minor"`
	At        time.Time `json:"at" doc:"when it was made"`
	Because   string    `json:"because" enum:"name,number,amount" doc:"what of it was found"`
}

func (s Contacts) searchRoute(r *Router) {
	List(r, Op{ID: "search", Path: "/search", Summary: "Anything, found by name, address, telephone number, document number or amount.",
		About: "Contacts come first, each of a few followed by its newest documents. A page may hold fewer than limit and still have a cursor."},
		func(ctx context.Context, _ activity.By, req *Request[searchFilter, None]) ([]foundView, string, error) {
			found, next, err := s.Search.Find(ctx, req.Params.Q, req.Params.Limit, req.Params.Cursor)
			out := make([]foundView, 0, len(found))
			for _, f := range found {
				out = append(out, foundView{
					Kind: f.Kind, ID: f.ID, ContactID: f.ContactID, Title: f.Title, Number: f.Number, Status: f.State, Currency: f.Currency,
					Total: f.Amount, At: f.At, Because: f.Because,
				})
			}
			return out, next, err
		})
}
