package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CORS is the API's configuration of cross-origin requests. With one, the door itself answers preflights, even
// for paths that have no route, and what a function says about CORS is overruled.
type CORS struct {
	AllowOrigins     []string
	AllowMethods     []string
	AllowHeaders     []string
	ExposeHeaders    []string
	AllowCredentials bool
	MaxAge           int // seconds
}

func (c *CORS) allowed(origin string) bool {
	return origin != "" && slices.ContainsFunc(c.AllowOrigins, func(o string) bool {
		return o == "*" || strings.EqualFold(o, origin)
	})
}

// preflight answers an OPTIONS request that a browser sends ahead of another one. An origin that is not allowed is
// told nothing, by which the browser knows.
func (c *CORS) preflight(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if r.Method != http.MethodOptions || origin == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if c.allowed(origin) {
		h := w.Header()
		c.origin(h, origin)
		h.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
		h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
		if c.MaxAge > 0 {
			h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

func (c *CORS) apply(h http.Header, r *http.Request) {
	origin := r.Header.Get("Origin")
	if !c.allowed(origin) {
		return
	}
	c.origin(h, origin)
	if len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
}

func (c *CORS) origin(h http.Header, origin string) {
	if slices.Contains(c.AllowOrigins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
	}
	if c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}
