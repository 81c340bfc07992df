package document

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// A PDF font with one byte a character costs a fraction of one with all of Unicode, which fpdf parses, cuts and parses
// again for each document. So the typeface is cut into pages of at most 224 characters when fonts/make.py runs, and
// a document embeds the fewest pages that cover its text: one per weight for Western, Polish, Greek or Russian text,
// two or three where they mix. A line switches from page to page as it goes.

//go:generate python3 fonts/make.py

//go:embed fonts/*.json fonts/*.z fonts/pages.tsv
var fontFiles embed.FS

// page is a part of a typeface as a font of its own.
type page struct {
	name             string
	codes            map[rune]byte
	widths           []int // by code, in thousandths of the size
	definition, file []byte
}

// weight is a typeface in one weight: its pages in order of preference, and what they cover together.
type weight struct {
	pages []*page
	ascii [128]int
	width map[rune]int
}

const (
	regular  = 0
	semibold = 1
	noGlyph  = '□' // each page has it
)

// typefaces loads the pages, once per process.
var typefaces = sync.OnceValues(func() (*[2]weight, error) {
	listing, err := fontFiles.ReadFile("fonts/pages.tsv")
	if err != nil {
		return nil, err
	}
	var faces [2]weight
	for row := range strings.Lines(string(listing)) {
		name, chars, _ := strings.Cut(strings.TrimSuffix(row, "\n"), "\t")
		p, err := loadPage(name, chars)
		if err != nil {
			return nil, fmt.Errorf("font page %s: %w", name, err)
		}
		w := regular
		if strings.HasPrefix(name, "semibold") {
			w = semibold
		}
		faces[w].pages = append(faces[w].pages, p)
	}
	// A sign that exists in regular only is better than none.
	faces[semibold].pages = append(faces[semibold].pages, faces[regular].pages...)
	for i := range faces {
		faces[i].index()
	}
	return &faces, nil
})

func loadPage(name, chars string) (*page, error) {
	p := &page{name: name, codes: map[rune]byte{}}
	var err error
	if p.definition, err = fontFiles.ReadFile("fonts/" + name + ".json"); err != nil {
		return nil, err
	}
	if p.file, err = fontFiles.ReadFile("fonts/" + name + ".z"); err != nil {
		return nil, err
	}
	var metrics struct{ Cw []int }
	if err := json.Unmarshal(p.definition, &metrics); err != nil {
		return nil, err
	}
	p.widths = metrics.Cw
	code := 0x20
	for _, r := range chars {
		if code > 0xFF || len(p.widths) != 256 {
			return nil, fmt.Errorf("holds more than a page can")
		}
		if r != '\uFFFD' {
			p.codes[r] = byte(code)
		}
		code++
	}
	return p, nil
}

func (w *weight) index() {
	w.width = map[rune]int{}
	for _, p := range w.pages {
		for r, code := range p.codes {
			if _, ok := w.width[r]; !ok {
				w.width[r] = p.widths[code]
			}
		}
	}
	for r := range w.ascii {
		w.ascii[r] = w.width[rune(r)]
	}
}

// measure answers the width of a text in thousandths of its size. The text is clean: there is a glyph for each rune.
func (w *weight) measure(s string) int {
	sum := 0
	for _, r := range s {
		sum += w.of(r)
	}
	return sum
}

func (w *weight) of(r rune) int {
	if r < 128 {
		return w.ascii[r]
	}
	return w.width[r]
}

// cover chooses the pages for these runes: always the one that has most of those still missing, the first of equals.
func (w *weight) cover(runes []rune) []*page {
	missing := append([]rune(nil), runes...)
	var chosen []*page
	for len(missing) > 0 {
		var best *page
		most := 0
		for _, p := range w.pages {
			n := 0
			for _, r := range missing {
				if _, ok := p.codes[r]; ok {
					n++
				}
			}
			if n > most {
				best, most = p, n
			}
			if n == len(missing) {
				break
			}
		}
		if best == nil {
			break
		}
		chosen = append(chosen, best)
		rest := missing[:0]
		for _, r := range missing {
			if _, ok := best.codes[r]; !ok {
				rest = append(rest, r)
			}
		}
		missing = rest
	}
	return chosen
}
