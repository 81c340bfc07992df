// Package link is the way a client reaches one document without an account.
//
// A token is derived, never stored: <key version>.<link id>.<HMAC-SHA-256(link key, link id)>. Whoever has the key can make it
// again at any time, so a letter sent twice carries the same link, and a stolen table holds nothing that opens
// anything. Old versions of the key stay verifiable; the key itself is a secret of the deployment.
//
// A token is sent once, in a body; what the client then uses in paths is a ref: random, good for 30 minutes, stored only
// as its hash. Whatever is wrong with a token or ref, the answer is the same NotFound.
package link

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/store"
)

// Scopes: what a link opens.
const (
	Estimate = "estimate" // see, accept, decline
	Invoice  = "invoice"  // see, pay, download
)

// MailRenewal is the effect that mails a link again because the client asked for it; its subject is the document.
const MailRenewal = "mail.link"

// Link is what a token leads to.
type Link struct {
	ID        string    `json:"id"` // lk_…
	Scope     string    `json:"scope"`
	Document  string    `json:"document"` // id of the estimate or invoice
	ContactID string    `json:"contactId"`
	Expires   time.Time `json:"expires,omitzero"` // zero: as long as the document
	Revoked   bool      `json:"revoked,omitempty"`
}

// Key is one version of the secret that tokens are derived with.
type Key struct {
	Version int
	Secret  []byte // at least 32 bytes
}

// Service makes and opens links. The first key derives, all of them verify.
type Service struct {
	Table   store.Table
	Keys    func(ctx context.Context) ([]Key, error) // read on first use: they are a secret
	IDs     id.Source
	Entropy io.Reader
	Now     func() time.Time
	Base    string // the site's address, without a slash at the end
}

// ErrUnknown is the one answer to everything that does not work.
var ErrUnknown = fault.NotFound.Errorf("this link does not work; ask for a new one")

// Kinds of items.
const (
	ItemKind = "link"
	refKind  = "ref"
)

const refFor = 30 * time.Minute

func key(linkID string) store.Key { return store.Key{PK: "LINK#" + linkID, SK: "LINK"} }

// New makes a link for a document; op belongs in the deed that first needs it.
func (s *Service) New(l Link) (Link, store.Op, error) {
	l.ID = s.IDs.New("lk")
	body, err := json.Marshal(l)
	if err != nil {
		return Link{}, store.Op{}, fmt.Errorf("link: %w", err)
	}
	return l, store.Put(store.Item{Key: key(l.ID), Kind: ItemKind, Body: body}), nil
}

func mac(k Key, linkID string) []byte {
	h := hmac.New(sha256.New, k.Secret)
	h.Write([]byte(linkID))
	return h.Sum(nil)
}

// Token derives the token of a link.
func (s *Service) Token(ctx context.Context, linkID string) (string, error) {
	keys, err := s.Keys(ctx)
	if err != nil {
		return "", err
	}
	k := keys[0]
	return strconv.Itoa(k.Version) + "." + linkID + "." + base64.RawURLEncoding.EncodeToString(mac(k, linkID)), nil
}

// URL is the address that letters and PDFs carry: the token stands in the fragment, which no server ever sees.
func (s *Service) URL(ctx context.Context, l Link) (string, error) {
	page := "i"
	if l.Scope == Estimate {
		page = "e"
	}
	token, err := s.Token(ctx, l.ID)
	return s.Base + "/" + page + "/#" + token, err
}

// verify answers the link id of a genuine token.
func (s *Service) verify(ctx context.Context, token string) (string, error) {
	if len(token) > 200 {
		return "", ErrUnknown
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", ErrUnknown
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return "", ErrUnknown
	}
	keys, err := s.Keys(ctx)
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		if strconv.Itoa(k.Version) == parts[0] && hmac.Equal(got, mac(k, parts[1])) {
			return parts[1], nil
		}
	}
	return "", ErrUnknown
}

// Resolve answers the link of a token, ErrUnknown when it is wrong, revoked or expired.
func (s *Service) Resolve(ctx context.Context, token string) (Link, error) {
	linkID, err := s.verify(ctx, token)
	if err != nil {
		return Link{}, err
	}
	return s.read(ctx, linkID)
}

// ResolveExpired is Resolve, but answers an expired link too: a new one may be mailed to the address on record.
func (s *Service) ResolveExpired(ctx context.Context, token string) (Link, error) {
	linkID, err := s.verify(ctx, token)
	if err != nil {
		return Link{}, err
	}
	l, err := s.get(ctx, linkID)
	if err != nil {
		return Link{}, err
	}
	if l.Revoked {
		return Link{}, ErrUnknown
	}
	return l, nil
}

func (s *Service) get(ctx context.Context, linkID string) (Link, error) {
	it, err := s.Table.Get(ctx, key(linkID))
	if errors.Is(err, fault.NotFound) {
		return Link{}, ErrUnknown
	}
	if err != nil {
		return Link{}, err
	}
	var l Link
	if err := json.Unmarshal(it.Body, &l); err != nil {
		return Link{}, fmt.Errorf("link: %w", err)
	}
	return l, nil
}

func (s *Service) read(ctx context.Context, linkID string) (Link, error) {
	l, err := s.get(ctx, linkID)
	if err != nil {
		return Link{}, err
	}
	if l.Revoked || (!l.Expires.IsZero() && !s.Now().Before(l.Expires)) {
		return Link{}, ErrUnknown
	}
	return l, nil
}

// Ref is a short-lived name for an opened link.
type Ref struct {
	Ref       string
	Link      Link
	ExpiresAt time.Time
}

func refKey(ref string) store.Key {
	sum := sha256.Sum256([]byte(ref))
	return store.Key{PK: "REF#" + hex.EncodeToString(sum[:]), SK: "REF"}
}

// Open exchanges a token for a ref.
func (s *Service) Open(ctx context.Context, token string) (Ref, error) {
	l, err := s.Resolve(ctx, token)
	if err != nil {
		return Ref{}, err
	}
	raw := make([]byte, 24)
	if _, err := io.ReadFull(s.Entropy, raw); err != nil {
		return Ref{}, fmt.Errorf("link: no entropy: %w", err)
	}
	r := Ref{Ref: base64.RawURLEncoding.EncodeToString(raw), Link: l, ExpiresAt: s.Now().UTC().Add(refFor).Truncate(time.Second)}
	body, err := json.Marshal(map[string]string{"link": l.ID})
	if err != nil {
		return Ref{}, fmt.Errorf("link: %w", err)
	}
	return r, s.Table.Write(ctx, store.Put(store.Item{Key: refKey(r.Ref), Kind: refKind, Body: body, Expires: r.ExpiresAt}))
}

// ByRef answers the link behind a ref, ErrUnknown when either has ended.
func (s *Service) ByRef(ctx context.Context, ref string) (Link, error) {
	if len(ref) != 32 {
		return Link{}, ErrUnknown
	}
	it, err := s.Table.Get(ctx, refKey(ref))
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Invalid) {
		return Link{}, ErrUnknown
	}
	if err != nil {
		return Link{}, err
	}
	if !s.Now().Before(it.Expires) {
		return Link{}, ErrUnknown
	}
	var r struct{ Link string }
	if err := json.Unmarshal(it.Body, &r); err != nil {
		return Link{}, fmt.Errorf("ref: %w", err)
	}
	return s.read(ctx, r.Link)
}

// Actor is who acts behind a ref: the client, by the id of the link.
func (s *Service) Actor(ctx context.Context, ref string) (activity.By, error) {
	l, err := s.ByRef(ctx, ref)
	if err != nil {
		return activity.By{}, err
	}
	return activity.By{Kind: activity.Client, ID: l.ID, Name: "Client"}, nil
}

// Own answers nil unless by is a client whose link is another than the document's: what a client does stays within the one
// document that the link opens.
func Own(by activity.By, linkID string) error {
	if by.Kind == activity.Client && (linkID == "" || by.ID != linkID) {
		return ErrUnknown
	}
	return nil
}

// ErrRenewed is the failure of [Link.Renewal]: the link was mailed again a moment ago.
var ErrRenewed = fault.Exists.Errorf("the link was mailed a moment ago; look into your mailbox")

const renewEvery = 10 * time.Minute

// Renewal is the claim under which a link is mailed again, at most once in ten minutes, however often a stranger asks.
func (l Link) Renewal(now time.Time) store.Op {
	return store.Put(store.Item{
		Key: store.Key{PK: "CLAIM#renew#" + l.ID, SK: "CLAIM"}, Kind: "claim", Body: []byte("{}"), Expires: now.Add(renewEvery),
	}).Else(ErrRenewed)
}
