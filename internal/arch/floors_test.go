package arch_test

import (
	"path"
	"slices"
	"sort"
	"strings"
)

// floors lists the packages of internal/ from the ground up. A package imports only from the floors below its own, so
// two of one floor know nothing of each other. A new package is put where it belongs.
var floors = [][]string{
	{"fault"},
	{"civil", "id", "money"},
	{"totals"},
	{"store"},
	{"activity", "find"},
	{"issue"},
	{"effect"},
	// Nouns. A noun knows another by its id and by a snapshot; what the ones below stand for is in every document:
	// who may do it, the organisation's settings, the catalog, and the lines that estimates and invoices share.
	{"member", "link", "series", "payment", "suppression"},
	{"catalog", "org"},
	{"approval", "contact", "message", "sale", "task"},
	{"deal", "estimate", "invoice", "order"},
	// The record of a document's one PDF, whichever noun the document is of.
	{"paper"},
	// The page that is drawn, which knows nothing of where it is kept.
	{"document"},
	// Ways: work that spans several nouns.
	{"archive", "billing", "checkout", "inquiry", "letter", "printing", "reply", "search", "selling", "upload"},
	// The outside, one adapter for each port, and the doors.
	{"cognito", "phone", "s3blob", "sesmail", "stripepay", "api", "hook", "relay", "step"},
	// The product, then the functions that are made of it, each linking no more than it needs.
	{"app"},
	{"app/door", "app/outside"},
	{"app/back", "app/contacts", "app/front", "app/settings"},
	{"app/all"},
}

// aside are packages that only tests and commands import, so they stand on no floor.
var aside = []string{"api/openapi", "arch", "rig", "store/storetest", "vectors"}

func floorOf(pkg string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, pkg) })
}

// part is the package of internal/ that an import path or folder names; packages internal to one belong to it.
func part(p string) (string, bool) {
	pkg, ok := strings.CutPrefix(p, "internal/")
	if !ok {
		return "", false
	}
	owner, _, _ := strings.Cut(pkg, "/internal/")
	return owner, true
}

func floorRule(s *source) []string {
	if s.test {
		return nil
	}
	var out []string
	from, internal := part(s.dir)
	mine := floorOf(from)
	if internal && mine < 0 && !slices.Contains(aside, from) {
		out = append(out, s.at(s.ast.Name, "internal/%s stands on no floor; place it in floors_test.go", from))
	}
	for p := range s.imports {
		own, ok := strings.CutPrefix(p, module+"/")
		if !ok {
			continue
		}
		to, below := part(own)
		switch {
		case below && slices.Contains(aside, to) && !slices.Contains(aside, from):
			out = append(out, s.at(nil, "%s is for tests only", own))
		case !internal || slices.Contains(aside, from) || to == from:
		case !below:
			out = append(out, s.at(nil, "internal/ does not know %s", own))
		case mine >= 0 && floorOf(to) >= mine:
			out = append(out, s.at(nil, "%s may not import %s: imports go down only", from, to))
		}
	}
	return out
}

// keeper says who alone may import a package of the outside.
type keeper struct {
	prefix string
	who    []string
	why    string
}

var keepers = []keeper{
	{"github.com/aws/aws-sdk-go-v2/service/dynamodb", []string{"internal/store", "internal/app"}, "only the store knows DynamoDB; app makes its client"},
	{"github.com/aws/aws-sdk-go-v2/feature/dynamodb", []string{"internal/store"}, "only the store knows DynamoDB"},
	{"go.etcd.io/bbolt", []string{"internal/store", "infra/local"}, "only the store, and the stand-ins with files of their own, know bbolt"},
	{"github.com/aws/aws-sdk-go-v2/service/s3", []string{"internal/s3blob", "internal/app"}, "only the adapter knows S3; app makes its client"},
	{"github.com/aws/aws-sdk-go-v2/service/sesv2", []string{"internal/sesmail", "internal/app"}, "only the adapter knows SES; app makes its client"},
	{"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider", []string{"internal/cognito", "internal/app"}, "only the adapter knows Cognito; app makes its client"},
	{"github.com/aws/aws-sdk-go-v2/", []string{"internal/store", "internal/s3blob", "internal/sesmail", "internal/cognito", "internal/app", "infra/local"}, "only adapters know AWS"},
	{"github.com/aws/smithy-go", []string{"internal/store", "internal/s3blob", "internal/sesmail", "internal/cognito", "internal/app"}, "only adapters know AWS"},
	{"github.com/stripe/stripe-go", []string{"internal/stripepay", "internal/hook"}, "only stripepay and hook know Stripe"},
	{"github.com/go-pdf/fpdf", []string{"internal/document"}, "only document draws PDFs"},
	{"github.com/danielgtaylor/huma", []string{"internal/api"}, "only api knows huma"},
	{"github.com/aws/aws-lambda-go", []string{"functions", "internal/api", "internal/hook", "internal/relay", "internal/step", "infra/local"}, "only doors know Lambda"},
	{"github.com/johannesboyne/gofakes3", []string{"infra/local"}, "a stand-in of the local program"},
	{"github.com/wneessen/go-mail", []string{"internal/sesmail"}, "only sesmail makes MIME"},
	{"github.com/nyaruka/phonenumbers", []string{"internal/phone"}, "only phone reads telephone numbers, so that few link the plans of all countries"},
	{"net/http", []string{"functions", "infra", "internal/api", "internal/hook", "internal/stripepay", "internal/s3blob", "internal/sesmail", "internal/cognito", "internal/app"}, "HTTP ends at the doors"},
	{"testing", nil, "code does not know that it is tested"},
	{"pgregory.net/rapid", nil, "for tests"},
	{"github.com/google/go-cmp", nil, "for tests"},
}

func keeperRule(s *source) []string {
	if s.test {
		return nil
	}
	var out []string
	for p := range s.imports {
		for _, k := range keepers {
			if p != strings.TrimSuffix(k.prefix, "/") && !strings.HasPrefix(p, k.prefix) || k.prefix == "testing" && p != "testing" {
				continue
			}
			if !s.in(k.who...) {
				out = append(out, s.at(nil, "%s may not import %s: %s", s.dir, p, k.why))
			}
			break // the first that fits decides
		}
	}
	sort.Strings(out)
	return out
}

// doorRule keeps the functions thin: they take the configuration, make the app, and start.
func doorRule(s *source) []string {
	if !s.in("functions") || s.test {
		return nil
	}
	var out []string
	for p := range s.imports {
		own, ok := strings.CutPrefix(p, module+"/")
		if ok && own != "internal/app" && !strings.HasPrefix(own, "internal/app/") &&
			!slices.Contains([]string{"internal/api", "internal/hook", "internal/relay", "internal/step"}, own) {
			out = append(out, s.at(nil, "a function knows app and its door, not %s", own))
		}
	}
	if s.lines > 40 {
		out = append(out, s.at(nil, "%d lines; a function has nothing to do that would take so many", s.lines))
	}
	if path.Base(s.path) != "main.go" || path.Dir(s.dir) != "functions" {
		out = append(out, s.at(nil, "a function is functions/<door>/main.go and nothing else"))
	}
	return out
}
