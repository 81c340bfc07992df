package main

import (
	_ "embed"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed plain.html
var plain []byte

// serveWeb serves the app as CloudFront does, the rewrite of paths without an extension included. Where there is
// no app, every such path is one plain page.
func (p *Program) serveWeb(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "this site is read with GET", http.StatusMethodNotAllowed)
		return
	}
	name := rewrite(r.URL.Path)
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if p.Web != "" {
		file := filepath.Join(p.Web, filepath.FromSlash(path.Clean("/"+name)))
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			if path.Ext(name) == ".html" {
				h.Set("Cache-Control", "no-cache")
			}
			f, err := os.Open(file)
			if err != nil {
				http.Error(w, "the file cannot be read", http.StatusInternalServerError)
				return
			}
			defer f.Close()
			http.ServeContent(w, r, file, info.ModTime(), f)
			return
		}
	}
	if name != "/index.html" && name != "/client.html" {
		http.NotFound(w, r)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Write(plain)
}

// rewrite is the CloudFront Function of the site: links of clients lead to their page, everything else without an
// extension to the app.
func rewrite(p string) string {
	if path.Ext(p) != "" {
		return p
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	switch first {
	case "e", "i", "v", "b", "q":
		return "/client.html"
	}
	return "/index.html"
}
