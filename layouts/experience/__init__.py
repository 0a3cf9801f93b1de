"""The screens of the experience centre: whole pages as plain HTML, made without Dash (docs/experience-screens.md).

page      the document of the kiosk and of the big display
parts     what they are built of: texts that change language, icons, buttons
screens   one function a screen of the kiosk
"""
