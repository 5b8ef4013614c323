package keepers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// scheme is a kind of key management service.
type scheme struct {
	name string
	form string         // what its URLs look like
	key  *regexp.Regexp // matches the URL's host and path together
	why  string         // for a key that does not match, beyond form
	// params are the query parameters that belong to the name of the key. A name that ends in _ is
	// a prefix.
	params map[string]param
	open   func(context.Context, key) (service, error)
}

// param is a query parameter.
type param struct {
	usual string // the value that applies if it is absent
	value *regexp.Regexp
}

// service is a key behind a URL. The cloud clients of gocloud.dev implement it, and so does our own
// client of Vault.
type service interface {
	Encrypt(ctx context.Context, plain []byte) ([]byte, error)
	Decrypt(ctx context.Context, sealed []byte) ([]byte, error)
	Close() error
}

// key is the content of a URL.
type key struct {
	scheme scheme
	name   string
	params url.Values
}

// schemes returns the schemes of this build, sorted by name.
func schemes() []scheme {
	all := append(cloudSchemes(), scheme{
		name:   "hashivault",
		form:   "hashivault://KEY or hashivault://KEY?engine=MOUNT",
		key:    regexp.MustCompile(`^\w([\w.-]*\w)?$`),
		why:    "; the address of Vault is set with VAULT_ADDR",
		params: map[string]param{"engine": {"transit", regexp.MustCompile(`^\w[\w.-]*(/\w[\w.-]*)*$`)}},
		open:   openVault,
	})
	slices.SortFunc(all, func(a, b scheme) int { return strings.Compare(a.name, b.name) })
	return all
}

// cloudNames are the schemes of builds with the tag cloudkms.
const cloudNames = "awskms, azurekeyvault and gcpkms"

// parse reads a URL. If the URL may contain a secret, the error repeats only its scheme, because
// the operator may have pasted anything there.
func parse(text string) (key, error) {
	if strings.HasPrefix(strings.ToLower(text), "base64key:") {
		return key{}, errors.New("a master key does not belong into a URL, which gets into logs and lists of processes: put it into a file, for master-key-file")
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return key{}, fmt.Errorf("the master key URL is malformed: this build knows %s", strings.Join(forms(), ", "))
	}
	at := slices.IndexFunc(schemes(), func(s scheme) bool { return s.name == u.Scheme })
	if at < 0 {
		return key{}, unknownScheme(u.Scheme)
	}
	s := schemes()[at]
	name := strings.Trim(u.Host+u.Path, "/")
	switch {
	case u.User != nil:
		return key{}, fmt.Errorf("the master key URL holds a user or a password: a URL is no place for it; want %s, and credentials in the environment", s.form)
	case u.Opaque != "", u.Fragment != "", !s.key.MatchString(name):
		return key{}, fmt.Errorf("the master key URL is malformed: want %s%s", s.form, s.why)
	}
	params, err := s.read(u.RawQuery)
	if err != nil {
		return key{}, err
	}
	return key{scheme: s, name: name, params: params}, nil
}

func forms() []string {
	var forms []string
	for _, s := range schemes() {
		forms = append(forms, s.form)
	}
	return forms
}

func unknownScheme(name string) error {
	known := Schemes()
	elsewhere := ""
	if len(cloudSchemes()) == 0 {
		elsewhere = "; " + cloudNames + " need a build with `-tags cloudkms`, such as the container image"
	}
	return fmt.Errorf("the scheme %s of the master key URL is unknown: this build knows %s%s", name, strings.Join(known, ", "), elsewhere)
}

// read returns the query parameters of the scheme, except those that have their usual value.
func (s scheme) read(query string) (url.Values, error) {
	got, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("the query of the master key URL is malformed: want %s", s.form)
	}
	for name, values := range got {
		p, known := s.param(name)
		switch {
		case !known:
			return nil, fmt.Errorf("the master key URL has a query parameter that %s does not take: want %s; how the service is reached is for the environment to say", s.name, s.form)
		case len(values) != 1 || !p.value.MatchString(values[0]):
			return nil, fmt.Errorf("query parameter %s of the master key URL is malformed, or there more than once: want %s", name, s.form)
		case values[0] == p.usual:
			delete(got, name)
		}
	}
	return got, nil
}

func (s scheme) param(name string) (p param, known bool) {
	for known, p := range s.params {
		if name == known || strings.HasSuffix(known, "_") && strings.HasPrefix(name, known) {
			return p, true
		}
	}
	return param{}, false
}

// param returns the value of a query parameter, or its usual value if it is absent.
func (k key) param(name string) string {
	if value := k.params.Get(name); value != "" {
		return value
	}
	return k.scheme.params[name].usual
}

// id is the URL in its canonical form.
func (k key) id() string {
	// A colon in the host would begin a port, so such a name goes into the path.
	host, _, _ := strings.Cut(k.name, "/")
	path := k.name
	if strings.Contains(host, ":") {
		path = "/" + path
	}
	id := k.scheme.name + "://" + path
	if len(k.params) > 0 {
		id += "?" + k.params.Encode()
	}
	return id
}
