package contact

import (
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/find"
	"onebook/internal/id"
	"onebook/internal/org"
	"onebook/internal/store"
)

// The items of a contact, beside the head and the entries that package activity keeps:
//
//	C#<contact>              CONTACT                    what people edit; its version is the revision
//	U#email#<match key>      U                          guard of an own address; body names the contact
//	U#ext#<system>#<id>      U                          guard of an external id
//	PHONE#<e164>             <contact>                  pointer, not unique
//	FIND#<first two>         <term>#contact#<contact>   search term
//	C#<survivor>             MERGE#<merge>              a merge, with the images before and after it
//	C#<older>                APART#<newer>              two contacts that somebody found not to be the same
//
// In the list index a contact stands under contact#<active|archived>#<shard 0..3>, by the instant it was made.
const (
	ItemKind    = "contact"
	GuardKind   = "guard"
	PointerKind = "pointer"
)

// Shards is how many partitions the list of one state has.
const Shards = 4

// maxPointers bounds guards, pointers and terms of one contact: with contact, head, entry and idempotency record they
// must fit into one write of at most 100 operations.
const maxPointers = store.MaxOps - 6

func itemKey(contactID string) store.Key { return store.Key{PK: "C#" + contactID, SK: "CONTACT"} }

func emailGuard(key string) store.Key { return store.Key{PK: "U#email#" + key, SK: "U"} }

func externalGuard(system, value string) store.Key {
	return store.Key{PK: "U#ext#" + system + "#" + value, SK: "U"}
}

func phonePartition(e164 string) string { return "PHONE#" + e164 }

// ListPartition is where the list index keeps the contacts of one state, Active or Archived; shard is 0 to 3.
func ListPartition(state State, shard int) string {
	return fmt.Sprintf("contact#%s#%d", state, shard)
}

// guarded is the body of a guard.
type guarded struct {
	Contact string `json:"c"`
}

// pointers are the guards, phone pointers and search terms that a contact has, each once.
func (c *Contact) pointers() map[store.Key]string {
	out := map[store.Key]string{}
	for _, e := range c.allEmails() {
		if e.Use == Own {
			out[emailGuard(e.Key)] = GuardKind
		}
	}
	for system, value := range c.ExternalIDs {
		out[externalGuard(system, value)] = GuardKind
	}
	for _, p := range c.allPhones() {
		if p.Valid {
			out[store.Key{PK: phonePartition(p.E164), SK: c.ID}] = PointerKind
		}
	}
	for _, t := range c.terms() {
		out[find.Key(t, find.Contact, c.ID)] = find.ItemKind
	}
	return out
}

// The stored form. Names are short because every read and write of a contact pays for them; they never change.
type stored struct {
	ID        string            `json:"id"`
	Kind      string            `json:"k"`
	Name      string            `json:"n"`
	Given     string            `json:"g,omitempty"`
	Family    string            `json:"f,omitempty"`
	Company   string            `json:"co,omitempty"`
	Emails    []storedEmail     `json:"e,omitempty"`
	Phones    []storedPhone     `json:"p,omitempty"`
	Address   *org.Address      `json:"a,omitempty"`
	TaxID     string            `json:"tx,omitempty"`
	Zone      string            `json:"z,omitempty"`
	Locale    string            `json:"l,omitempty"`
	Currency  string            `json:"cu,omitempty"`
	Tags      []string          `json:"tg,omitempty"`
	Source    string            `json:"s,omitempty"`
	Externals map[string]string `json:"x,omitempty"`
	Custom    map[string]string `json:"cf,omitempty"`
	People    []storedHuman     `json:"h,omitempty"`
	Archived  time.Time         `json:"ar,omitzero"`
	Created   time.Time         `json:"ct"`
	Updated   time.Time         `json:"ut"`
}

type storedEmail struct {
	Address  string    `json:"a"`
	Key      string    `json:"k,omitempty"` // when it is not the address itself
	Shared   bool      `json:"s,omitempty"`
	Verified time.Time `json:"v,omitzero"`
}

type storedPhone struct {
	Number   string `json:"n"`
	E164     string `json:"e,omitempty"`
	National string `json:"d,omitempty"`
}

type storedHuman struct {
	Name     string        `json:"n"`
	Role     string        `json:"r,omitempty"`
	Emails   []storedEmail `json:"e,omitempty"`
	Phones   []storedPhone `json:"p,omitempty"`
	Receives []string      `json:"rc,omitempty"`
}

func (c *Contact) stored() stored {
	s := stored{
		ID: c.ID, Kind: c.Kind, Name: c.Name, Given: c.GivenName, Family: c.FamilyName, Company: c.Company,
		Emails: storeEmails(c.Emails), Phones: storePhones(c.Phones), TaxID: c.TaxID, Zone: c.TimeZone, Locale: c.Locale,
		Currency: c.Currency, Tags: c.Tags, Source: c.Source, Externals: c.ExternalIDs, Custom: c.Custom,
		Archived: c.ArchivedAt, Created: c.CreatedAt, Updated: c.UpdatedAt,
	}
	if c.Address != (org.Address{}) {
		s.Address = &c.Address
	}
	for _, h := range c.People {
		s.People = append(s.People, storedHuman{
			Name: h.Name, Role: h.Role, Emails: storeEmails(h.Emails), Phones: storePhones(h.Phones), Receives: h.Receives,
		})
	}
	return s
}

// put answers the operation that stores the contact over the version that was read.
func (c *Contact) put() (store.Op, error) { return c.putAs(stateOf(*c, activity.Head{})) }

// putAs stores the contact as one in this state: no list shows one that was merged.
func (c *Contact) putAs(state State) (store.Op, error) {
	body, err := json.Marshal(c.stored())
	if err != nil {
		return store.Op{}, fmt.Errorf("contact %s: %w", c.ID, err)
	}
	it := store.Item{Key: itemKey(c.ID), Version: c.version, Kind: ItemKind, Body: body}
	if state != Merged {
		it.List = store.Key{PK: ListPartition(state, id.Shard(c.ID, Shards)), SK: c.CreatedAt.UTC().Format(time.RFC3339) + "#" + c.ID}
	}
	return store.Put(it).Else(errStale), nil
}

var errStale = fault.Stale.Errorf("this contact was changed meanwhile; read it again")

func decode(it store.Item) (Contact, error) {
	var s stored
	if err := json.Unmarshal(it.Body, &s); err != nil {
		return Contact{}, fmt.Errorf("contact %s: %w", it.PK, err)
	}
	c := s.contact()
	c.version = it.Version
	return c, nil
}

func (s stored) contact() Contact {
	c := Contact{
		ID: s.ID, Kind: s.Kind, Name: s.Name, GivenName: s.Given, FamilyName: s.Family, Company: s.Company,
		Emails: loadEmails(s.Emails), Phones: loadPhones(s.Phones), TaxID: s.TaxID, TimeZone: s.Zone, Locale: s.Locale,
		Currency: s.Currency, Tags: s.Tags, Source: s.Source, ExternalIDs: s.Externals, Custom: s.Custom, Balance: []Balance{},
		ArchivedAt: s.Archived, CreatedAt: s.Created, UpdatedAt: s.Updated,
	}
	if s.Address != nil {
		c.Address = *s.Address
	}
	for _, h := range s.People {
		c.People = append(c.People, Human{
			Name: h.Name, Role: h.Role, Emails: loadEmails(h.Emails), Phones: loadPhones(h.Phones), Receives: h.Receives,
		})
	}
	return c
}

func storeEmails(es []Email) []storedEmail {
	var out []storedEmail
	for _, e := range es {
		s := storedEmail{Address: e.Address, Key: e.Key, Shared: e.Use == Shared, Verified: e.VerifiedAt}
		if s.Key == s.Address {
			s.Key = ""
		}
		out = append(out, s)
	}
	return out
}

func loadEmails(es []storedEmail) []Email {
	out := make([]Email, 0, len(es))
	for _, s := range es {
		e := Email{Address: s.Address, Use: Own, Key: s.Key, VerifiedAt: s.Verified}
		if e.Key == "" {
			e.Key = e.Address
		}
		if s.Shared {
			e.Use = Shared
		}
		out = append(out, e)
	}
	return out
}

func storePhones(ps []Phone) []storedPhone {
	var out []storedPhone
	for _, p := range ps {
		out = append(out, storedPhone{Number: p.Number, E164: p.E164, National: p.National})
	}
	return out
}

func loadPhones(ps []storedPhone) []Phone {
	out := make([]Phone, 0, len(ps))
	for _, s := range ps {
		out = append(out, Phone{Number: s.Number, E164: s.E164, Valid: s.E164 != "", National: s.National})
	}
	return out
}

// names are the keys of a map in order, so that a deed is written the same each time it is decided.
func names(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
