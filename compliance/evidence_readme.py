"""How does somebody who does not know this program check a bundle by hand? The text that lies in each one, in two languages."""

README = """\
EVIDENCE OF CALLS: WHAT IS IN THIS FILE, AND HOW TO CHECK IT
============================================================

This bundle says why a call was placed or was not placed, what came of it, and which rules were applied. It was made and signed
by the company that runs the dialer. It holds the data of the people that manifest.json names, and of nobody else: rows of the
ledger that concern others are shown by their SHA-256 alone.

manifest.json     what the bundle is about, when it was made, where the ledger ended, and the SHA-256 of every other file
manifest.sig      the company's Ed25519 signature (RFC 8032) over manifest.json, 64 bytes
manifest.pub      the public key that belongs to it; compare it with the one the company has published or sent to you before
SHA256SUMS        the same checksums once more, as the usual tool reads them
decisions.json    each decision: what it was made from, what it said, with which rules
ledger.jsonl      rows of the ledger, one a line: "seq" is the place, "body" the exact text that was written
proof.json        what ties those rows to the end of the ledger
packs/            the text of the rules that decided; each file is named by its SHA-256
calendars/        the holidays that decided; each file is named by its SHA-256
recordings/       for each recorded call: its file's SHA-256, what was measured in it, when the disclosure was heard

By hand, with tools of any Unix system:
1. Is every file the one that was signed?
       sha256sum -c SHA256SUMS
   and compare SHA256SUMS with the checksums in manifest.json.
2. Did the company sign it?
       openssl pkeyutl -verify -pubin -inkey manifest.pub -rawin -in manifest.json -sigfile manifest.sig
3. Are the rows in the ledger? The hash of a row is the SHA-256 of four lines, joined by line feeds with none at the end:
       its seq, the hash of the row before it, the hash of the row "skip", the SHA-256 of its body
   The row "skip" is seq with its lowest binary 1 taken away; 64 zeros stand for row 0. proof.json lists rows as
   [seq, SHA-256 of the body, hash of the row before, hash of the row "skip"]. Begin at tip_seq, whose hash must be tip_hash.
   From any row go to "skip", if that is not below the row you want, or else to the row before; its hash must be the one that you
   came with. At the row you want, the SHA-256 of its body in ledger.jsonl must be the one in the proof.
4. Was the ledger rewritten as a whole? Compare tip_seq and tip_hash with those of another bundle or report of this company: a
   later ledger must still contain the earlier end.
5. Were the rules applied rightly? Read decisions.json beside packs/, or let the program decide again:
       ringfence compliance bundle check FILE.zip


通话证据：本文件包含什么，如何核验
==================================

本证据包说明一通电话为何拨出或未拨出、结果如何、适用了哪些规则，由运营外呼系统的公司制作并签名。包内只有 manifest.json
中列明之人的资料；账本中涉及他人的行只以 SHA-256 摘要出现。

manifest.json     证据包的对象、制作时间、账本末端，以及其余每个文件的 SHA-256
manifest.sig      公司对 manifest.json 的 Ed25519 签名（RFC 8032），64 字节
manifest.pub      相应的公钥；请与该公司事先公布或交给您的公钥比对
SHA256SUMS        同样的校验值，供常用工具读取
decisions.json    每次决定：依据什么、结论是什么、适用哪些规则
ledger.jsonl      账本的行，每行一条：seq 为位置，body 为当时写入的原文
proof.json        把这些行与账本末端连接起来的证明
packs/            作出决定的规则原文；文件名即其 SHA-256
calendars/        作出决定的节假日历；文件名即其 SHA-256
recordings/       每通录音：文件的 SHA-256、测量结果、告知语在何时被听到

手工核验（任何 Unix 系统自带的工具）：
1. 每个文件是否就是签名时的文件？
       sha256sum -c SHA256SUMS
   并将 SHA256SUMS 与 manifest.json 中的校验值比对。
2. 是否由该公司签名？
       openssl pkeyutl -verify -pubin -inkey manifest.pub -rawin -in manifest.json -sigfile manifest.sig
3. 这些行是否在账本之中？一行的哈希是以下四行文本（以换行符连接，末尾无换行）的 SHA-256：
       seq、前一行的哈希、skip 行的哈希、body 的 SHA-256
   skip 行号等于 seq 去掉二进制最低位的 1；第 0 行以 64 个 0 代替。proof.json 的每一项为
   [seq, body 的 SHA-256, 前一行的哈希, skip 行的哈希]。从 tip_seq 开始，其哈希必须等于 tip_hash；
   每一步：若 skip 行号不小于目标行号，则走到 skip 行，否则走到前一行；其哈希必须等于带来的哈希。
   到达目标行时，ledger.jsonl 中 body 的 SHA-256 必须与证明一致。
4. 账本是否被整体改写？将 tip_seq、tip_hash 与该公司其他证据包或报告中的比对：较晚的账本必须仍包含较早的末端。
5. 规则是否正确适用？对照 packs/ 阅读 decisions.json，或让程序重新作出决定：
       ringfence compliance bundle check FILE.zip
"""
