package pages

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// check renders every sample in every language and checks the result, so that a theme that does not
// fit this version fails at the start.
func (b *Renderer) check(files overlay) error {
	for _, tag := range b.tags {
		for _, page := range samples() {
			sheet, err := b.Render(tag, page)
			if err != nil {
				return fmt.Errorf("a template of the theme does not fit this version (docs/theming.md says how to compare it with that of the version): %w", err)
			}
			if err = checkDocument(files, page, sheet); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkDocument checks that a rendered page has the elements that it needs, and none that the
// browser would block.
func checkDocument(files overlay, page Page, sheet Document) error {
	document, err := html.Parse(bytes.NewReader(sheet.HTML))
	if err != nil {
		return err
	}
	open := page.needs()
	for node := range document.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		if refused := refusal(page, node); refused != "" {
			return fmt.Errorf("%s: %s", files.blame(page, node), refused)
		}
		open = slices.DeleteFunc(open, func(n need) bool { return n.meets(node) })
	}
	if len(open) > 0 {
		return fmt.Errorf("%s: the page has no %s: add it, since the page does not work without it", files[templatePath(page.template())].from, open[0])
	}
	return nil
}

// refusal returns why a browser would block an element; "": it would not.
func refusal(page Page, node *html.Node) string {
	if node.Data == "style" || node.Data == "script" && page.policy().Script == "" {
		return fmt.Sprintf("<%s> is blocked by the Content-Security-Policy of the pages: remove it; styles belong in assets/theme.css", node.Data)
	}
	for _, address := range loads(node) {
		if u, err := url.Parse(address); err == nil && u.Host != "" && !slices.Contains(page.policy().Images, sourceOf(address)) {
			return fmt.Sprintf(`<%s> loads %s from another server, which would learn of each person who signs in: put it into the folder assets and write {{asset "NAME"}}`, node.Data, address)
		}
	}
	for _, attribute := range node.Attr {
		switch key := attribute.Key; {
		case key == "style" || strings.HasPrefix(key, "on"):
			return fmt.Sprintf("the attribute %s is blocked by the Content-Security-Policy of the pages: remove it; styles belong in assets/theme.css", key)
		case attribute.Val == "#ZgotmplZ":
			return fmt.Sprintf("the attribute %s of <%s> gets a value that is not safe there: use it as the template that is built in does", key, node.Data)
		}
	}
	return ""
}

// loads returns the addresses of what a browser loads with an element: an image or a style. It
// leaves out frames, which a page's policy lists.
func loads(node *html.Node) (addresses []string) {
	for _, attribute := range node.Attr {
		switch attribute.Key {
		case "href":
			if node.Data == "link" {
				addresses = append(addresses, attribute.Val)
			}
		case "src":
			if node.Data != "iframe" {
				addresses = append(addresses, attribute.Val)
			}
		case "srcset":
			for candidate := range strings.SplitSeq(attribute.Val, ",") {
				if address := strings.Fields(candidate); len(address) > 0 {
					addresses = append(addresses, address[0])
				}
			}
		}
	}
	return addresses
}

func sourceOf(address string) string {
	if found := sources(address); len(found) > 0 {
		return found[0]
	}
	return ""
}

// blame finds the line of the theme from which an element comes, as far as possible.
func (l overlay) blame(page Page, node *html.Node) string {
	for _, name := range []string{page.template(), "layout", "parts"} {
		file := l[templatePath(name)]
		if !file.themed {
			continue
		}
		for i, line := range strings.Split(string(file.text), "\n") {
			if strings.Contains(line, "<"+node.Data) && slices.ContainsFunc(append(slices.Clone(node.Attr), html.Attribute{}), func(a html.Attribute) bool { return blamed(line, node, a) }) {
				return fmt.Sprintf("%s:%d", file.from, i+1)
			}
		}
	}
	return l[templatePath(page.template())].from
}

func blamed(line string, node *html.Node, attribute html.Attribute) bool {
	if node.Data == "style" || node.Data == "script" {
		return true
	}
	return attribute.Key == "style" && strings.Contains(line, "style=") ||
		strings.HasPrefix(attribute.Key, "on") && strings.Contains(line, attribute.Key+"=") ||
		slices.Contains([]string{"src", "srcset", "href"}, attribute.Key) && strings.Contains(line, attribute.Val)
}

// meets reports whether an element is the required one.
func (n need) meets(node *html.Node) bool {
	if n.element != "" && n.element != node.Data {
		return false
	}
	for key, value := range n.attributes {
		if !slices.ContainsFunc(node.Attr, func(a html.Attribute) bool { return a.Key == key && a.Val == value }) {
			return false
		}
	}
	return true
}

// String is the element as HTML has it.
func (n need) String() string {
	var b strings.Builder
	b.WriteString("<" + n.element)
	if n.element == "" {
		b.WriteString("element")
	}
	for _, key := range []string{"id", "type", "name", "value", "autocomplete", "method", "action", "href", "src"} {
		if value, given := n.attributes[key]; given {
			fmt.Fprintf(&b, " %s=%q", key, value)
		}
	}
	return b.String() + ">"
}
