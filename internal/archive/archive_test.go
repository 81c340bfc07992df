package archive_test

import (
	"errors"
	"testing"
	"time"

	"onebook/internal/archive"
	"onebook/internal/fault"
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
	if _, _, err := s.Link(r.Ctx, rig.Owner, d); !errors.Is(err, fault.Unready) {
		t.Errorf("a draft: %v", err)
	}
	i := r.Issue(d.ID)
	if _, _, err := s.Link(r.Ctx, rig.Owner, i); !errors.Is(err, fault.Unready) {
		t.Errorf("before it is made: %v", err)
	}
	r.Drain()
	url, end, err := s.Link(r.Ctx, rig.Owner, i)
	if err != nil || !end.Equal(rig.Begin.Add(5*time.Minute)) || url != "https://blobs.example/documents/"+i.ID+"/1.pdf?as=R-2026-1.pdf&for=5m0s" {
		t.Errorf("%s until %v: %v", url, end, err)
	}
}
