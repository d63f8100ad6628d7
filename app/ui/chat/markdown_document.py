"""Markdown made into a styled document that holds no image and no HTML."""

from __future__ import annotations

from PySide6.QtCore import QUrl
from PySide6.QtGui import (
    QBrush,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextListFormat,
    QTextTable,
    QTextTableFormat,
)

from app.ui import theme

_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
_HEADING_SIZES = {1: theme.SIZE_TITLE, 2: theme.SIZE_HEADING, 3: 15}
_IMAGE = "\N{OBJECT REPLACEMENT CHARACTER}"
_LONGEST_TIP = 300
_INDENT = 22


def markdown_document(source: str, colours: theme.Theme) -> QTextDocument:
    """`source` as it is drawn. The document is for copying from: it is never laid out itself.

    What a model writes is not to be trusted. HTML stays text, an image is replaced by its description
    before anything could load it, and every link's tool tip is where it really leads.
    """
    document = QTextDocument()
    document.setUndoRedoEnabled(False)
    document.setMarkdown(source, _FEATURES)
    document.setIndentWidth(_INDENT)
    if _IMAGE in document.toRawText():
        _replace_images(document)
    cursor = QTextCursor(document)
    block = document.begin()
    while block.isValid():
        _style_block(cursor, block, colours)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _style_table(frame, colours)
    return document


def line_height(block_format: QTextBlockFormat, pixels: float) -> None:
    """Lines of `pixels`, higher only where a glyph needs it."""
    block_format.setLineHeight(pixels, QTextBlockFormat.LineHeightTypes.MinimumHeight.value)


def _replace_images(document: QTextDocument) -> None:
    cursor = document.find(_IMAGE)
    while not cursor.isNull():
        image = cursor.charFormat()
        if image.isImageFormat():
            words = str(image.property(QTextFormat.Property.ImageAltText) or "").strip()
            plain = QTextCharFormat()
            plain.setFontItalic(True)
            cursor.insertText(f"[Image: {words}]", plain)
        cursor = document.find(_IMAGE, cursor)


def _style_block(cursor: QTextCursor, block: QTextBlock, colours: theme.Theme) -> None:
    form = block.blockFormat()
    level = form.headingLevel()
    quoted = int(form.property(QTextFormat.Property.BlockQuoteLevel) or 0)
    ruler = form.hasProperty(QTextFormat.Property.BlockTrailingHorizontalRulerWidth)
    in_table = QTextCursor(block).currentTable() is not None
    item = block.textList()
    size = _HEADING_SIZES.get(level, theme.SIZE_BODY)
    if in_table:
        form.setLineHeight(0, QTextBlockFormat.LineHeightTypes.SingleHeight.value)
    else:
        line_height(form, round(size * (1.35 if level else theme.LINE_HEIGHT)))
    form.setBottomMargin(0)
    form.setRightMargin(0)
    form.setLeftMargin(theme.SPACE_L * quoted)
    if in_table:
        form.setTopMargin(0)
    elif level:
        form.setTopMargin(theme.SPACE_XL if level <= 2 else theme.SPACE_L)
    elif item is not None:
        form.setTopMargin(theme.SPACE_S if _begins_list(block) else theme.SPACE_XS)
    else:
        form.setTopMargin(0 if _all_code(block) and _all_code(block.previous()) else theme.SPACE_M)
    if not block.text() and not in_table and not ruler and item is None:
        # What Qt needs around a table, and nobody wants to see.
        form.setTopMargin(0)
        form.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
    if ruler:
        form.setBackground(QBrush(colours.hairline))
    cursor.setPosition(block.position())
    cursor.setBlockFormat(form)
    if item is not None and item.itemNumber(block) == 0:
        shape = item.format()
        if shape.style() in (QTextListFormat.Style.ListCircle, QTextListFormat.Style.ListSquare):
            shape.setStyle(QTextListFormat.Style.ListDisc)
            item.setFormat(shape)
    _style_words(cursor, block, level, quoted > 0, colours)


def _begins_list(block: QTextBlock) -> bool:
    before = block.previous()
    own = block.textList()
    return before.textList() is None or (own.itemNumber(block) == 0 and own.format().indent() == 1)


def _all_code(block: QTextBlock) -> bool:
    words = block.begin()
    return (
        block.isValid()
        and not words.atEnd()
        and _is_code(words.fragment().charFormat())
        and words.fragment().length() == block.length() - 1
    )


def _is_code(words: QTextCharFormat) -> bool:
    return words.fontFixedPitch() or "monospace" in (words.fontFamilies() or ())


def _style_words(
    cursor: QTextCursor, block: QTextBlock, level: int, quoted: bool, colours: theme.Theme
) -> None:
    changes: list[tuple[int, int, QTextCharFormat]] = []
    iterator = block.begin()
    while not iterator.atEnd():
        fragment = iterator.fragment()
        had = fragment.charFormat()
        wanted = QTextCharFormat()
        if level:
            had.clearProperty(QTextFormat.Property.FontSizeAdjustment)
            had.setProperty(QTextFormat.Property.FontPixelSize, _HEADING_SIZES.get(level, theme.SIZE_BODY))
            had.setFontWeight(QFont.Weight.DemiBold)
            wanted = had
        elif had.fontWeight() > QFont.Weight.DemiBold:
            wanted.setFontWeight(QFont.Weight.DemiBold)
        if quoted:
            wanted.setForeground(QBrush(colours.secondary))
        if _is_code(had):
            wanted.setFontFamilies(theme.mono_font().families())
            if not level:
                wanted.setProperty(QTextFormat.Property.FontPixelSize, theme.SIZE_MONO)
            wanted.setBackground(QBrush(colours.wash(0.07)))
        if had.isAnchor():
            wanted.setForeground(QBrush(colours.accent))
            wanted.setFontUnderline(True)
            encoded = QUrl(had.anchorHref()).toString(QUrl.ComponentFormattingOption.FullyEncoded)
            wanted.setToolTip(encoded[:_LONGEST_TIP])
        if wanted.propertyCount():
            changes.append((fragment.position(), fragment.length(), wanted))
        iterator += 1
    for position, length, wanted in changes:
        cursor.setPosition(position)
        cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
        if level:
            cursor.setCharFormat(wanted)
        else:
            cursor.mergeCharFormat(wanted)


def _style_table(table: QTextTable, colours: theme.Theme) -> None:
    shape = QTextTableFormat(table.format())
    shape.setBorder(1)
    shape.setBorderBrush(QBrush(colours.hairline))
    shape.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    shape.setBorderCollapse(True)
    shape.setCellPadding(6)
    shape.setCellSpacing(0)
    shape.setTopMargin(theme.SPACE_M)
    shape.setBottomMargin(0)
    shape.setWidth(QTextLength())
    table.setFormat(shape)
