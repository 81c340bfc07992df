package mailbox

import (
	"embed"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

//go:embed list.html mail.html
var files embed.FS

var pages = template.Must(template.ParseFS(files, "*.html"))

// shown is how many mails the page lists.
const shown = 500

// Service is the mail service's own API.
func (m *Mailbox) Service() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/email/outbound-emails", m.Send)
	return mux
}

// Routes adds the mailbox's paths to a mux.
func (m *Mailbox) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /_local/mail", m.list)
	mux.HandleFunc("POST /_local/mail/event", m.Event)
	mux.HandleFunc("POST /_local/mail/reply", m.Reply)
	mux.HandleFunc("GET /_local/{$}", m.page)
	mux.HandleFunc("GET /_local/mail/{id}", m.show)
	mux.HandleFunc("GET /_local/mail/{id}/raw", m.raw)
	mux.HandleFunc("GET /_local/mail/{id}/file/{n}", m.file)
}

// list answers the mails as JSON, newest first; ?to=, ?subject= and ?limit= narrow it. A browser is sent to the page.
func (m *Mailbox) list(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/_local/", http.StatusSeeOther)
		return
	}
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	items, err := m.List(limit, func(x Mail) bool {
		return (q.Get("to") == "" || strings.EqualFold(x.To, q.Get("to"))) && strings.Contains(x.Subject, q.Get("subject"))
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	m.answer(w, http.StatusOK, "", map[string]any{"items": items})
}

func (m *Mailbox) page(w http.ResponseWriter, r *http.Request) {
	items, err := m.List(shown, nil)
	m.html(w, "list.html", map[string]any{"Items": items, "Now": m.Now()}, err)
}

func (m *Mailbox) show(w http.ResponseWriter, r *http.Request) {
	mail, _, err := m.Find(r.PathValue("id"))
	m.html(w, "mail.html", mail, err)
}

func (m *Mailbox) html(w http.ResponseWriter, name string, data any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; frame-src 'self'; base-uri 'none'; form-action 'self'")
	pages.ExecuteTemplate(w, name, data)
}

func (m *Mailbox) raw(w http.ResponseWriter, r *http.Request) {
	mail, raw, err := m.Find(r.PathValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "message/rfc822")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", mail.ID+".eml"))
	w.Write(raw)
}

func (m *Mailbox) file(w http.ResponseWriter, r *http.Request) {
	_, raw, err := m.Find(r.PathValue("id"))
	var parts []part
	if err == nil {
		_, parts, err = parse(raw)
	}
	n, e := strconv.Atoi(r.PathValue("n"))
	if err != nil || e != nil || n < 0 || n >= len(parts) {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", parts[n].Type)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": parts[n].Name}))
	w.Write(parts[n].body)
}
