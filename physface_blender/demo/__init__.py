"""The demo: a performance played from the file to the film, with figures that are measured on the way.

Composes the backend here and Blender in a process of its own (``blender/portrait_process.py``); no bpy in this folder.
"""
