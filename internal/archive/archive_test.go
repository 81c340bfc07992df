package archive_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"onebook/internal/archive"
	"onebook/internal/fault"
	"onebook/internal/issue"
	"onebook/internal/org"
	"onebook/internal/rig"
)

// The address of a PDF works five minutes, names the file by the document's number, and is there once the PDF is.
func TestLink(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	r.Settings(func(s *org.Settings) { s.Numbering.Invoice = "R/{year}/{n}" })
	c := r.Contact("Ada", "")
	s := &archive.Service{Table: r.Table, Blobs: r.Blobs, Now: r.Clock.Now}
	d := r.Draft(c.ID, rig.Lines("1.00"))
	if _, _, err := s.Link(r.Ctx, rig.Owner, d.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("a draft: %v", err)
	}
	i := r.Issue(d.ID)
	if _, _, err := s.Link(r.Ctx, rig.Owner, i.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("before it is made: %v", err)
	}
	r.Drain()
	url, end, err := s.Link(r.Ctx, rig.Owner, i.ID)
	if err != nil || !end.Equal(rig.Begin.Add(5*time.Minute)) || url != "https://blobs.example/documents/"+i.ID+"/1.pdf?as=R-2026-1.pdf&for=5m0s" {
		t.Errorf("%s until %v: %v", url, end, err)
	}
}

// A sent estimate has a PDF too, made once, handed out like an invoice's, and brought back like one.
func TestAnEstimatesPDF(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	s := &archive.Service{Table: r.Table, Records: r.Records, IDs: r.IDs, Blobs: r.Blobs, Now: r.Clock.Now, Clock: r.Clock.Now}
	draft := r.Estimate(r.Contact("Ada 😀", "ada@example.com").ID, rig.Lines("1.00"))
	if _, _, err := s.Link(r.Ctx, rig.Owner, draft.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("a draft: %v", err)
	}
	for range 2 {
		if _, err := r.Selling.Send(r.Ctx, rig.Owner, draft.ID); err != nil {
			t.Fatal(err)
		}
		r.Drain()
	}
	e := r.GetEstimate(draft.ID)
	key := "documents/" + e.ID + "/1.pdf"
	before, _, err := r.Blobs.Get(r.Ctx, key, "")
	if err != nil {
		t.Fatal(err)
	}
	url, _, err := s.Link(r.Ctx, rig.Owner, e.ID)
	if want := "https://blobs.example/" + key + "?as=" + e.Number + ".pdf&for=5m0s"; err != nil || url != want {
		t.Errorf("%s: %v", url, err)
	}
	version := e.Version()
	r.Blobs.Lose(key, false)
	if _, _, err := s.Link(r.Ctx, rig.Owner, e.ID); !errors.Is(err, fault.Unready) {
		t.Error(err)
	}
	r.Drain()
	if after, _, err := r.Blobs.Get(r.Ctx, key, ""); err != nil || !bytes.Equal(after, before) {
		t.Errorf("it is another PDF: %v", err)
	}
	if v := r.GetEstimate(e.ID).Version(); v != version {
		t.Errorf("making and restoring it took the estimate from version %d to %d", version, v)
	}
	made := 0
	story, _, err := r.Contacts.Timeline(r.Ctx, e.ContactID, 200, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range story {
		if x.Kind == "document.made" {
			made++
			if !strings.Contains(x.Text, e.Number) || !strings.Contains(x.Text, "U+1F600") {
				t.Error(x.Text)
			}
		}
	}
	if made != 1 {
		t.Errorf("made %d times", made)
	}
}

// A PDF that is gone, or is not the recorded one any more, is brought back byte for byte, however often it is asked for
// meanwhile; it is never drawn anew.
func TestALostPDFComesBack(t *testing.T) {
	for name, harm := range map[string]func(r *rig.Rig, key string) error{
		"deleted": func(r *rig.Rig, key string) error { r.Blobs.Lose(key, false); return nil },
		"altered": func(r *rig.Rig, key string) error {
			_, err := r.Blobs.PutAgain(r.Ctx, key, []byte("%PDF-1.7 forged"), "application/pdf")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := rig.New(t)
			r.Organise()
			s := &archive.Service{Table: r.Table, Records: r.Records, IDs: r.IDs, Blobs: r.Blobs, Now: r.Clock.Now, Clock: r.Clock.Now}
			i := r.Invoice(r.Contact("Ada", "").ID, rig.Lines("1.00"))
			r.Drain()
			key := "documents/" + i.ID + "/1.pdf"
			before, _, err := r.Blobs.Get(r.Ctx, key, "")
			if err != nil {
				t.Fatal(err)
			}
			for round := range 7 { // more often than earlier versions are remembered
				if err := harm(r, key); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if _, _, err := s.Link(r.Ctx, rig.Owner, i.ID); !errors.Is(err, fault.Unready) {
						t.Fatalf("round %d: %v", round, err)
					}
				}
				r.Drain()
				if _, _, err := s.Link(r.Ctx, rig.Owner, i.ID); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				after, _, err := r.Blobs.Get(r.Ctx, key, "")
				if err != nil || !bytes.Equal(after, before) {
					t.Fatalf("round %d: it is another PDF: %v", round, err)
				}
			}
			lost, restored := 0, 0
			story, _, err := r.Contacts.Timeline(r.Ctx, i.ContactID, 200, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range story {
				switch e.Kind {
				case "document.lost":
					lost++
				case "document.restored":
					restored++
				}
			}
			if lost != 7 || restored != 7 {
				t.Errorf("lost %d times, restored %d times", lost, restored)
			}
			if all := r.Issues(issue.Open); len(all) != 0 {
				t.Errorf("issues: %v", all)
			}
		})
	}
}

// When no version has the hash, a person is told, and nothing takes the document's place.
func TestAPDFWithoutVersionsIsAnIssue(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	s := &archive.Service{Table: r.Table, Records: r.Records, IDs: r.IDs, Blobs: r.Blobs, Now: r.Clock.Now, Clock: r.Clock.Now}
	i := r.Invoice(r.Contact("Ada", "").ID, rig.Lines("1.00"))
	r.Drain()
	key := "documents/" + i.ID + "/1.pdf"
	r.Blobs.Lose(key, true)
	if _, _, err := s.Link(r.Ctx, rig.Owner, i.ID); !errors.Is(err, fault.Unready) {
		t.Fatal(err)
	}
	r.Drain()
	if _, _, err := s.Link(r.Ctx, rig.Owner, i.ID); !errors.Is(err, fault.Unready) {
		t.Error(err)
	}
	if _, _, err := r.Blobs.Get(r.Ctx, key, ""); !errors.Is(err, fault.NotFound) {
		t.Errorf("something took its place: %v", err)
	}
	if all := r.Issues(issue.Open); len(all) != 1 {
		t.Errorf("issues: %+v", all)
	}
}
