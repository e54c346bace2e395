// Checks a checkpoint with an implementation of the format that is not estop's: the one of Go's checksum database.
//
//	checkpoint KEY NOTE JOURNAL
//
// KEY is a verifier key, NOTE a signed note, JOURNAL the file whose lines it covers. Exit 0: the signature holds, and
// the lines are those that were signed.
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 4 {
		fail("usage: checkpoint KEY NOTE JOURNAL")
	}
	signed, err := os.ReadFile(os.Args[2])
	check(err)
	journal, err := os.ReadFile(os.Args[3])
	check(err)
	verifier, err := note.NewVerifier(os.Args[1])
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	size, root := parse(opened.Text)
	got := rootOf(journal, size)
	if !bytes.Equal(got[:], root) {
		fail("the lines are not those that were signed")
	}
	fmt.Printf("%d lines are those that %s has signed\n", size, verifier.Name())
}

func parse(text string) (int64, []byte) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 3 {
		fail("a checkpoint has three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	return size, root
}

func rootOf(journal []byte, size int64) tlog.Hash {
	lines := bytes.Split(journal, []byte("\n"))
	if int64(len(lines)) <= size {
		fail(fmt.Sprintf("%d lines were signed, but there are only %d", size, len(lines)-1))
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for number := range size {
		more, err := tlog.StoredHashes(number, lines[number], reader)
		check(err)
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(size, reader)
	check(err)
	return root
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, "checkpoint:", why)
	os.Exit(1)
}
