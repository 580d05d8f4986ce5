package extract

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// stacked are the elements of MathML whose parts stand over one another, with the sign
// before each part but the first where they are written in one line.
var stacked = map[string]string{"msup": "^", "msub": "_", "msubsup": "_^", "mfrac": "/"}

// inLine writes the parts of a stacked element as they are typed: x², a_(i+1), 1/2.
func inLine(n *html.Node) {
	var parts []*html.Node
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode {
			parts = append(parts, c)
		}
	}
	signs := stacked[n.Data]
	if len(parts) != len(signs)+1 {
		return
	}
	between := n.PrevSibling != nil && n.PrevSibling.Data == "mn" // 3 1/2 isn't 31/2
	for n.FirstChild != nil {
		n.RemoveChild(n.FirstChild)
	}
	write := func(text string) { n.AppendChild(&html.Node{Type: html.TextNode, Data: text}) }
	if n.Data == "mfrac" && between {
		write(" ")
	}
	for i, part := range parts {
		sign := ""
		if i > 0 {
			sign = signs[i-1 : i]
		}
		text, ok := token(part)
		switch {
		case ok && sign == "^":
			write(raise(text))
		case ok && text != "":
			write(sign + text)
		case ok:
		case i == 0 && n.Data != "mfrac":
			n.AppendChild(part)
		default:
			trimSpace(part)
			write(sign + "(")
			n.AppendChild(part)
			write(")")
		}
	}
}

// raise writes an exponent of one token: ², ⁻¹, ^n. A prime is raised as it is.
func raise(text string) string {
	if signs, ok := raisedText(text); ok {
		return signs
	}
	if strings.Trim(text, "'′″‴") == "" {
		return text
	}
	return "^" + text
}

// raisedText returns the text in raised signs, if there is one of each of its characters.
func raisedText(text string) (string, bool) {
	var out strings.Builder
	for _, c := range text {
		if !raisable(c) {
			return "", false
		}
		out.WriteRune(raisedSigns[c])
	}
	return out.String(), text != ""
}

// raiseSup raises what stands in a <sup> behind a letter or a digit, but for the upper
// part of a fraction: 3 m², but 1/2.
func raiseSup(n *html.Node) {
	if n.PrevSibling == nil || n.PrevSibling.Type != html.TextNode {
		return
	}
	text, ok := token(n)
	signs, raised := raisedText(text)
	if !ok || !raised {
		return
	}
	if last, _ := utf8.DecodeLastRuneInString(n.PrevSibling.Data); !carries(last) {
		return
	}
	if next := n.NextSibling; next != nil && next.Type == html.TextNode && (strings.HasPrefix(next.Data, "/") || strings.HasPrefix(next.Data, "⁄")) {
		return
	}
	for n.FirstChild != nil {
		n.RemoveChild(n.FirstChild)
	}
	n.AppendChild(&html.Node{Type: html.TextNode, Data: signs})
}

// token returns the text below the node, if there are no two pieces of it.
func token(n *html.Node) (string, bool) {
	for n.Type != html.TextNode {
		var only *html.Node
		for c := range n.ChildNodes() {
			if isSpace(c) {
				continue
			}
			if only != nil {
				return "", false
			}
			only = c
		}
		if only == nil {
			return "", true
		}
		n = only
	}
	return strings.TrimSpace(n.Data), true
}

// trimSpace takes the white space at the node's ends away.
func trimSpace(n *html.Node) {
	for n.FirstChild != nil && isSpace(n.FirstChild) {
		n.RemoveChild(n.FirstChild)
	}
	for n.LastChild != nil && isSpace(n.LastChild) {
		n.RemoveChild(n.LastChild)
	}
}

func isSpace(n *html.Node) bool {
	return n.Type == html.CommentNode || n.Type == html.TextNode && strings.TrimSpace(n.Data) == ""
}
