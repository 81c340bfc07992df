package document

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// rowsOf is an invoice of n lines, Row 001 and so on, each with another amount.
func rowsOf(n int) Paper {
	p := sample()
	p.Number, p.Allowances, p.Lines = fmt.Sprintf("2026-%d", n), nil, nil
	for i := range n {
		l := Line{Name: fmt.Sprintf("Row %03d", i+1), Quantity: decimal("1"), Unit: "pc", Net: int64(i*i*37 + 1234), Tax: "19 %"}
		l.UnitPrice = decimal(decimalString(l.Net))
		if i%7 == 3 {
			l.Description = "With a description that is long enough to take a second line below the name of the row, as they often are."
		}
		p.Lines = append(p.Lines, l)
	}
	return sums(p)
}

var rowAmount = regexp.MustCompile(`(?m)^\s*Row (\d+) .* (−?[\d,]+\.\d\d)$`)

// carriedSums reads the pages back and adds up what is on them: no row is lost or doubled, each page ends with the sum
// of all rows so far, and the next begins with it.
func carriedSums(t tester, p Paper, pages []string) {
	t.Helper()
	next, sum := 0, int64(0)
	for n, page := range pages {
		brought, has := amountAfter(t, page, "Brought forward")
		if want := next > 0 && next < len(p.Lines); has != want && !(has && next == len(p.Lines)) || has && brought != sum {
			t.Fatalf("page %d brings %d forward (%v), before it are %d", n+1, brought, has, sum)
		}
		for _, m := range rowAmount.FindAllStringSubmatch(page, -1) {
			if want := fmt.Sprintf("%03d", next+1); m[1] != want {
				t.Fatalf("page %d shows row %s where %s is next", n+1, m[1], want)
			}
			amount := parseCents(t, m[2])
			if amount != p.Lines[next].Net {
				t.Fatalf("row %d says %d", next+1, amount)
			}
			sum += amount
			next++
		}
		carried, has := amountAfter(t, page, "Carried forward")
		if has && carried != sum || next > 0 && next < len(p.Lines) && !has {
			t.Fatalf("page %d carries %d forward (%v), up to it are %d", n+1, carried, has, sum)
		}
		if n > 0 && (next > 0 || has) && brought != 0 && !strings.Contains(page, "Description") {
			t.Fatalf("page %d goes on without the head of the table", n+1)
		}
		if !strings.Contains(page, fmt.Sprintf("%d/%d", n+1, len(pages))) {
			t.Fatalf("page %d does not say so", n+1)
		}
		if i := strings.Index(page, "Subtotal"); i >= 0 && !rowAmount.MatchString(page) && !strings.Contains(page[:i], "word") {
			t.Fatalf("the totals stand alone on page %d:\n%s", n+1, page)
		}
	}
	if next != len(p.Lines) {
		t.Fatalf("%d of %d rows are there", next, len(p.Lines))
	}
}

// Any number of lines breaks into pages that add up, also where the last row just fits or does not.
func TestPagesAddUp(t *testing.T) {
	for _, n := range []int{1, 2, 10, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 40, 200} {
		p := rowsOf(n)
		pdf := render(t, p)
		pages := text(t, pdf)
		if n == 200 && len(pages) < 5 || n == 1 && len(pages) != 1 {
			t.Errorf("%d rows take %d pages", n, len(pages))
		}
		carriedSums(t, p, pages)
		contains(t, pages, "Subtotal "+p.figure(p.Subtotal), "Total "+p.withCurrency(p.Total))
		tidy(t, pdf)
	}
}

// numbered is a text of words that can be told apart.
func numbered(chars int) string {
	var b strings.Builder
	for i := 0; b.Len() < chars; i++ {
		fmt.Fprintf(&b, "word%05d ", i)
		if i%40 == 39 {
			b.WriteString("\n\n")
		}
	}
	return b.String()
}

var numberedWord = regexp.MustCompile(`word(\d{5})`)

func inOrder(t tester, pages []string, count int) {
	t.Helper()
	found := numberedWord.FindAllStringSubmatch(strings.Join(pages, "\n"), -1)
	for i, m := range found {
		if m[1] != fmt.Sprintf("%05d", i) {
			t.Fatalf("word %d is %s", i, m[0])
		}
	}
	if len(found) != count {
		t.Fatalf("%d of %d words are there", len(found), count)
	}
}

// Ten thousand characters flow over the pages, as notes, as the description of a row, as terms, or as a footer.
func TestLongTexts(t *testing.T) {
	long := numbered(10_000)
	count := strings.Count(long, "word")
	for name, set := range map[string]func(*Paper){
		"notes":  func(p *Paper) { p.Notes = long },
		"terms":  func(p *Paper) { p.Terms = long },
		"footer": func(p *Paper) { p.Footer = long },
		"reason": func(p *Paper) { p.Reasons = []string{long} },
		"row":    func(p *Paper) { p.Lines[1].Description = long },
		"last":   func(p *Paper) { p.Lines[len(p.Lines)-1].Description = long },
		"name":   func(p *Paper) { p.Lines[0].Name = "Row 001 " + long },
		"client": func(p *Paper) { p.Client.Address = []string{long} },
		"word":   func(p *Paper) { p.Notes = strings.ReplaceAll(strings.ReplaceAll(long, " ", ""), "\n", "") },
	} {
		t.Run(name, func(t *testing.T) {
			p := rowsOf(5)
			p.Footer = ""
			set(&p)
			pdf := render(t, p)
			pages := text(t, pdf)
			if len(pages) < 2 {
				t.Fatal("all on one page")
			}
			contains(t, pages, "Total "+p.withCurrency(p.Total))
			tidy(t, pdf)
			switch name {
			case "word": // broken anywhere, so only its characters can be compared
				got := strings.Join(strings.FieldsFunc(strings.Join(pages, ""), func(r rune) bool { return r <= ' ' }), "")
				if strings.Count(got, "word") < count*9/10 {
					t.Error("parts of the word are gone")
				}
			case "name":
				inOrder(t, pages, count)
			default:
				inOrder(t, pages, count)
				carriedSums(t, p, pages)
			}
		})
	}
}

// Of a paragraph that a page break cuts, at least two lines stay on each side.
func TestNoLineAlone(t *testing.T) {
	for extra := range 14 {
		p := rowsOf(3)
		p.Reasons = []string{strings.TrimSpace(strings.Repeat("filler\n", 8+extra))}
		p.Notes = numbered(1200)
		pages := text(t, render(t, p))
		for n, page := range pages {
			if lines := regexp.MustCompile(`(?m)^\s*word.*$`).FindAllString(page, -1); len(lines) == 1 {
				t.Errorf("with %d lines before, page %d has one line of the notes: %s", 8+extra, n+1, lines[0])
			}
			if strings.Contains(page, "Notes") && !strings.Contains(page, "word") {
				t.Errorf("page %d has the heading without the notes", n+1)
			}
		}
	}
}

// Whatever the strips, none is lost, none crosses the bottom, and what is glued stays together if a page can hold it.
func TestPaginate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := frame{bottom: 700, head: 17, carry: carryHeight, continuation: topNext}
		room := f.bottom - f.continuation - f.head - 2*f.carry
		n := rapid.IntRange(1, 120).Draw(t, "strips")
		tableEnd := rapid.IntRange(0, n).Draw(t, "table")
		strips := make([]strip, n)
		for i := range strips {
			strips[i] = strip{height: rapid.Float64Range(1, room/3).Draw(t, "height"), glue: rapid.IntRange(0, 2).Draw(t, "glue") > 0,
				table: i < tableEnd, row: i < tableEnd, net: int64(i + 1)}
		}
		sheets := paginate(strips, f)
		at, sum, page := 0, int64(0), map[int]int{}
		for n, s := range sheets {
			if s.brought != nil && *s.brought != sum {
				t.Fatalf("page %d brings %d, not %d", n, *s.brought, sum)
			}
			if len(s.strips) == 0 {
				t.Fatalf("page %d is empty", n)
			}
			for _, p := range s.strips {
				if p.strip != &strips[at] {
					t.Fatalf("strip %d is not next", at)
				}
				if p.y+p.height > f.bottom {
					t.Fatalf("strip %d crosses the bottom", at)
				}
				if p.row {
					sum += p.net
				}
				page[at] = n
				at++
			}
			if s.carried != nil && (*s.carried != sum || s.end+f.carry > f.bottom) {
				t.Fatalf("page %d carries %d at %f, not %d", n, *s.carried, s.end, sum)
			}
		}
		if at != n {
			t.Fatalf("%d of %d strips", at, n)
		}
		for i := 0; i < n; {
			end, height := i, strips[i].height
			for end < n-1 && strips[end].glue {
				end++
				height += strips[end].height
			}
			if height < room && page[i] != page[end] {
				t.Fatalf("strips %d to %d are torn apart", i, end)
			}
			i = end + 1
		}
	})
}
