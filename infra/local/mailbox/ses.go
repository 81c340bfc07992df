package mailbox

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
)

// MaxMessage is the most that one message may have, as the service has it.
const MaxMessage = 40 << 20

// sendEmail is the body of the service's SendEmail, in as far as it is used here.
type sendEmail struct {
	FromEmailAddress     string
	ConfigurationSetName string
	Destination          struct{ ToAddresses, CcAddresses, BccAddresses []string }
	ReplyToAddresses     []string
	EmailTags            []struct{ Name, Value string }
	Content              struct {
		Raw *struct{ Data []byte }
	}
}

// Send answers POST /v2/email/outbound-emails.
func (m *Mailbox) Send(w http.ResponseWriter, r *http.Request) {
	var in sendEmail
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 2*MaxMessage)).Decode(&in); err != nil {
		m.refuse(w, "the request cannot be read: "+err.Error())
		return
	}
	if in.Content.Raw == nil || len(in.Content.Raw.Data) == 0 {
		m.refuse(w, "only raw messages are taken here")
		return
	}
	got, _, err := parse(in.Content.Raw.Data)
	if err != nil {
		m.refuse(w, err.Error())
		return
	}
	if problem := m.complete(&got, in); problem != "" {
		m.refuse(w, problem)
		return
	}
	reports, err := m.reports(got)
	if err == nil {
		err = m.accept(got, in.Content.Raw.Data, reports)
	}
	if err != nil {
		m.answer(w, http.StatusInternalServerError, "InternalFailure", map[string]string{"message": err.Error()})
		return
	}
	m.answer(w, http.StatusOK, "", map[string]string{"MessageId": got.ID})
}

// complete fills what only the request tells, and says what the service would refuse.
func (m *Mailbox) complete(got *Mail, in sendEmail) string {
	if in.FromEmailAddress != "" {
		a, err := mail.ParseAddress(in.FromEmailAddress)
		if err != nil {
			return "FromEmailAddress cannot be read"
		}
		got.From = a.Address
	}
	if got.From == "" {
		return "there is no sender"
	}
	to := append(append(in.Destination.ToAddresses, in.Destination.CcAddresses...), in.Destination.BccAddresses...)
	var addresses []string
	for _, t := range to {
		a, err := mail.ParseAddress(t)
		if err != nil {
			return fmt.Sprintf("the recipient %q cannot be read", t)
		}
		addresses = append(addresses, a.Address)
	}
	if len(addresses) > 0 {
		got.To = strings.Join(addresses, ", ")
	}
	if got.To == "" {
		return "there is no recipient"
	}
	for _, t := range in.EmailTags {
		if t.Name == "" || strings.HasPrefix(t.Name, "ses:") || strings.IndexFunc(t.Name+t.Value, notInTag) >= 0 {
			return fmt.Sprintf("the tag %q may hold letters, digits, _ - . @ only", t.Name)
		}
		if got.Tags == nil {
			got.Tags = map[string]string{}
		}
		got.Tags[t.Name] = t.Value
	}
	got.ConfigSet = in.ConfigurationSetName
	got.ID, got.At = messageID(), m.Now()
	return ""
}

func notInTag(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.@", r))
}

func (m *Mailbox) refuse(w http.ResponseWriter, message string) {
	m.answer(w, http.StatusBadRequest, "BadRequestException", map[string]string{"message": message})
}

func (m *Mailbox) answer(w http.ResponseWriter, status int, kind string, body any) {
	w.Header().Set("Content-Type", "application/json")
	if kind != "" {
		w.Header().Set("X-Amzn-Errortype", kind)
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func messageID() string {
	var b [26]byte
	rand.Read(b[:])
	h := hex.EncodeToString(b[:])
	return fmt.Sprintf("0100%s-%s-%s-%s-%s-%s-000000", h[:12], h[12:20], h[20:24], h[24:28], h[28:32], h[32:44])
}
